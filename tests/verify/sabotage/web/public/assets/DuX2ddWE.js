import { app } from './xihTtKlq.js'; export const lazy = () => app;
