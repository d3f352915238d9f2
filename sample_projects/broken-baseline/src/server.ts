import polka from 'polka';

const builds = { today: 3, failed: 1 };

const app = polka()
  .get('/', (_request, response) => void response.end(JSON.stringify(builds)))
  .get('/health', (_request, response) => void response.end('ok'))
  .listen(Number(process.env.PORT ?? 3100));

process.on('SIGTERM', () => void app.server?.close(() => process.exit(0)));
