export const app = 'web', again = () => import('./DuX2ddWE.js');
