import { readFileSync } from 'node:fs';
import path from 'node:path';
import { title, total, type Span } from '@agent-tracer/spans';
import express from 'express';
import Handlebars from 'handlebars';
import { z } from 'zod';

const shape = z.object({ run: z.string(), kind: z.string(), milliseconds: z.number().nonnegative() });
const page = Handlebars.compile(readFileSync(path.join(process.cwd(), 'views', 'runs.hbs'), 'utf8'));
const spans: Span[] = [
  { run: 'nightly', kind: 'llm', milliseconds: 5_400 },
  { run: 'nightly', kind: 'queue', milliseconds: 61_000 },
];

const app = express();
app.disable('x-powered-by');
app.use(express.json({ limit: '100kb' }));

app.get('/health', (_request, response) => {
  response.json({ status: 'ok' });
});

app.get('/runs', (_request, response) => {
  response.send(page({ rows: spans.map(title), total: total(spans) }));
});

app.post('/spans', (request, response) => {
  const given = shape.safeParse(request.body);
  if (!given.success) {
    response.status(400).json({ error: given.error.issues[0]?.message });
    return;
  }
  spans.push(given.data);
  response.status(201).end();
});

const port = Number(process.env.PORT ?? 4318);
const server = app.listen(port, () => console.log(`collector listens on ${port}`));

process.on('SIGTERM', () => server.close(() => process.exit(0)));
