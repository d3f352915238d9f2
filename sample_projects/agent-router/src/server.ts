import Fastify from 'fastify';
import { route, Task } from './routes';

const app = Fastify({ logger: true });

app.get('/', async () => ({ service: 'agent-router' }));
app.get('/health', async () => ({ status: 'ok' }));
app.get<{ Params: { kind: string } }>('/route/:kind', async (request, reply) => answer({ kind: request.params.kind }, reply));

function answer(task: Task, reply: { code(status: number): unknown }): object {
  const agent = route(task);
  if (agent === undefined) reply.code(404);
  return agent === undefined ? { error: `no agent for ${task.kind}` } : { agent };
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => void app.close().then(() => process.exit(0)));
}
void app.listen({ host: '0.0.0.0', port: Number(process.env.PORT ?? 8080) });
