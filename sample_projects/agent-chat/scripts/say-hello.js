// exits with 0 when the room greets us and passes on what we say
import { WebSocket } from 'ws';

const socket = new WebSocket(`ws://127.0.0.1:${process.env.PORT ?? 8090}/chat`);
const heard = [];

setTimeout(() => process.exit(1), 4000);
socket.on('error', () => process.exit(1));
socket.on('open', () => socket.send('hello'));
socket.on('message', (data) => {
  heard.push(JSON.parse(data).text);
  if (heard.includes('welcome') && heard.includes('hello')) process.exit(0);
});
