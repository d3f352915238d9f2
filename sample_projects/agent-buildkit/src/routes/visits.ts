import fs from 'node:fs';
import path from 'node:path';
import { Router } from 'express';
import { dataFolder } from '../paths';

export const visits = Router();

const counter = path.join(dataFolder, 'visits.txt');

/** Counts the calls since the container was made. */
visits.get('/', (_req, res) => {
  const seen = fs.existsSync(counter) ? Number(fs.readFileSync(counter, 'utf8')) : 0;
  fs.mkdirSync(dataFolder, { recursive: true });
  fs.writeFileSync(counter, String(seen + 1));
  res.json({ visits: seen + 1 });
});
