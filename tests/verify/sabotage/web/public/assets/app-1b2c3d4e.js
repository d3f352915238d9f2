import('./DuX2ddWE.js'); console.log('app')
