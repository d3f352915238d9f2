import request from 'supertest';
import { app } from '../src/app';

test('health answers', async () => {
  const answer = await request(app).get('/health');
  expect(answer.status).toBe(200);
  expect(answer.body.status).toBe('ok');
});

test('agents come newest first and can be narrowed', async () => {
  const all = await request(app).get('/agents/?version=2.x');
  expect(all.body.map((agent: { name: string }) => agent.name)).toEqual(['basil', 'amber']);
});

test('an agent has a page', async () => {
  const page = await request(app).get('/agents/amber');
  expect(page.text).toContain('<h1>amber <small>2.4.1</small></h1>');
  expect((await request(app).get('/agents/nobody')).status).toBe(404);
});

test('a build needs a revision', async () => {
  const answer = await request(app).post('/builds').send({ project: 'agent-router' });
  expect(answer.status).toBe(400);
});

test('the nightly slots follow the day', async () => {
  const slots = await request(app).get('/builds/schedule?from=2026-01-30&nights=3');
  expect(slots.body).toEqual(['2026-01-30 02:00', '2026-01-31 02:00', '2026-02-01 02:00']);
});
