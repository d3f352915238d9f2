import path from 'node:path';

/** The folder that holds package.json: one above the compiled (or the TypeScript) sources. */
export const root = path.resolve(__dirname, '..');

/** The only folder this service writes to. */
export const dataFolder = path.join(root, 'data');
