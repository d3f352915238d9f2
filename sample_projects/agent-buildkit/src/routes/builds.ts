import fs from 'node:fs';
import path from 'node:path';
import express, { Router } from 'express';
import dayjs from 'dayjs';
import { v5 as uuid } from 'uuid';
import { z } from 'zod';
import { logger } from '../logger';
import { dataFolder } from '../paths';

const NAMESPACE = '8f1ad2ce-5c0d-4c3b-9d1c-3b7f6a0e2d11';

const requestSchema = z.object({
  project: z.string().regex(/^[a-z][a-z0-9-]*$/),
  revision: z.string().regex(/^[0-9a-f]{7,40}$/),
  notBefore: z.string().datetime().optional(),
});

const journal = path.join(dataFolder, 'builds.jsonl');

function readJournal(): unknown[] {
  if (!fs.existsSync(journal)) return [];
  return fs
    .readFileSync(journal, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

export const builds = Router();

builds.get('/', (_req, res) => {
  res.json(readJournal());
});

builds.post('/', express.json(), (req, res) => {
  const parsed = requestSchema.safeParse(req.body);
  if (!parsed.success) {
    res.status(400).json({ error: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) });
    return;
  }
  const { project, revision, notBefore } = parsed.data;
  const build = { id: uuid(`${project}@${revision}`, NAMESPACE), project, revision, notBefore: notBefore ?? null };
  fs.mkdirSync(dataFolder, { recursive: true });
  fs.appendFileSync(journal, JSON.stringify(build) + '\n');
  logger.info({ build: build.id }, 'accepted');
  res.status(201).json(build);
});

/** The nightly slots that follow a day: /builds/schedule?from=2026-01-30&nights=3 */
builds.get('/schedule', (req, res) => {
  const from = dayjs(String(req.query.from ?? '2026-01-01'));
  const nights = Number(req.query.nights ?? 7);
  if (!from.isValid() || !Number.isInteger(nights) || nights < 1 || nights > 31) {
    res.status(400).json({ error: 'from must be a day, nights a number from 1 to 31' });
    return;
  }
  res.json(Array.from({ length: nights }, (_unused, night) => from.add(night, 'day').format('YYYY-MM-DD [02:00]')));
});
