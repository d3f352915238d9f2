import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { order, parse } from '@agentic-flows/engine';
import Fastify from 'fastify';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'flows');
const app = Fastify({ logger: true });

app.get('/healthz', async () => ({ status: 'ok' }));

app.get('/flows', async () =>
  readdirSync(folder).sort().map((file) => {
    const flow = parse(readFileSync(path.join(folder, file), 'utf8'));
    return { name: flow.name, order: order(flow) };
  }),
);

await app.listen({ host: '0.0.0.0', port: Number(process.env.PORT ?? 7070) });

process.on('SIGTERM', () => void app.close().then(() => process.exit(0)));
