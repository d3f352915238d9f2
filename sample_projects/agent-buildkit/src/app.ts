import path from 'node:path';
import express from 'express';
import { root } from './paths';
import { agents } from './routes/agents';
import { builds } from './routes/builds';
import { visits } from './routes/visits';

export const app = express();

app.disable('x-powered-by');
app.use(express.static(path.join(root, 'public')));
app.get('/health', (_req, res) => {
  res.json({ status: 'ok', uptime: Math.round(process.uptime() * 1000) / 1000 });
});
app.use('/agents', agents);
app.use('/builds', builds);
app.use('/visits', visits);
