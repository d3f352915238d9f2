import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Fastify from 'fastify';
import { Mailbox, Message } from './mailbox';

const app = Fastify({ logger: true });
const boxes = new Map<string, Mailbox>();
const page = readFileSync(join(__dirname, '..', 'templates', 'index.html'), 'utf8');

function box(agent: string): Mailbox {
  const found = boxes.get(agent) ?? new Mailbox();
  boxes.set(agent, found);
  return found;
}

app.get('/', async (_request, reply) => reply.type('text/html').send(page));
app.get('/health', async () => ({ status: 'ok' }));
app.get<{ Params: { agent: string } }>('/boxes/:agent', async (request) => box(request.params.agent).all);
app.post<{ Params: { agent: string }; Body: Message }>('/boxes/:agent', async (request, reply) => {
  box(request.params.agent).put(request.body);
  return reply.code(202).send({ accepted: true });
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => void app.close().then(() => process.exit(0)));
}
void app.listen({ host: '0.0.0.0', port: Number(process.env.PORT ?? 8080) });
