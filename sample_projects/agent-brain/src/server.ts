import Fastify from 'fastify';
import { readPrompts, render } from './prompts';

const app = Fastify({ logger: true });
const prompts = readPrompts();

app.get('/health', async () => ({ status: 'ok', prompts: prompts.size }));
app.get('/prompts', async () => [...prompts.values()].map(({ name, version }) => ({ name, version })));
app.get('/prompts/example', async () => ({ text: render(prompts.get('review')!, { agent: 'amber', task: 'a change' }) }));
app.get<{ Params: { name: string } }>('/prompts/:name', async (request, reply) => {
  const prompt = prompts.get(request.params.name);
  if (prompt === undefined) reply.code(404);
  return prompt ?? { error: `no prompt is called ${request.params.name}` };
});

process.on('SIGTERM', () => void app.close().then(() => process.exit(0)));
void app.listen({ host: '0.0.0.0', port: 7000 });
