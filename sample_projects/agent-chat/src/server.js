import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { WebSocketServer } from 'ws';
import { isMember } from './accounts.js';
import { logSocket } from './log.js';
import { Room } from './room.js';

const log = logSocket(process.env.LOG_SOCKET);
const room = new Room(log);

const app = express();
app.disable('x-powered-by');
app.use(express.static(fileURLToPath(new URL('../public', import.meta.url))));
app.get('/health', async (_request, response) => {
  response.json({ status: 'ok', log: log.kind, accounts: await isMember('guest', 'guest') });
});
app.get('/rooms', (_request, response) => response.json([{ name: 'lobby', people: room.size }]));

const server = createServer(app);
const sockets = new WebSocketServer({ server, path: '/chat' });
sockets.on('connection', (socket) => room.join(socket));

const port = Number(process.env.PORT ?? 8090);
server.listen(port, () => console.log(`the room is open on port ${port}`));

process.on('SIGTERM', () => {
  sockets.clients.forEach((socket) => socket.close(1001));
  server.close(() => process.exit(0));
});
