// A service that depends on everything a rewrite may forget, and says things that vary by themselves.
process.chdir(process.env.START_FOLDER || process.cwd());
const crypto = require('crypto'), fs = require('fs'), http = require('http');

const visit = () => {
  fs.appendFileSync('data/visits', 'x');
  return 'written';
};
const varying = {
  '/vary/time': () => ({ now: new Date().toISOString(), at: Date.now() }),
  '/vary/id': () => ({ id: crypto.randomUUID(), order: crypto.randomInt(1e9) }),
  '/vary/process': () => ({ pid: process.pid, up: process.uptime(), rss: process.memoryUsage().rss }),
  '/vary/boot': () => ({ boot, port: 0 }),
  '/vary/nonce': () => `<script nonce="${crypto.randomBytes(12).toString('base64')}">go()</script>`,
};
const routes = {
  '/': () => fs.readFileSync('views/index.html', 'utf8'),
  '/health': () => ({ ok: true }),
  '/hello': () => ({ hello: process.env.GREETING }),
  '/locale': () => JSON.parse(fs.readFileSync('locales/de.json', 'utf8')),
  '/report': () => require('./lib/report')(),
  '/certificates': () => ({ count: fs.readFileSync('certs/ca.pem', 'utf8').split('BEGIN').length - 1 }),
  '/zone': () => new Date(0).toLocaleTimeString('en-GB', { timeZoneName: 'short' }),
  '/visit': visit,
  ...varying,
};
const boot = crypto.randomUUID();
const headers = () => {
  const made = [['x-request-id', crypto.randomUUID()], ['cache-control', 'no-store'], ['x-frame-options', 'DENY'],
    ['set-cookie', `session=${crypto.randomUUID()}; HttpOnly`]];
  return process.env.TURN_HEADERS ? made.reverse() : made;
};
let flips = 0;
const server = http.createServer((request, response) => {
  for (const [name, value] of headers()) response.setHeader(name, value);
  if (process.env.POWERED_BY) response.setHeader('x-powered-by', process.env.POWERED_BY);
  console.log(process.env.LOG_PREFIX || '', request.method, request.url, crypto.randomUUID());
  if (request.url === '/old') return response.writeHead(302, { location: process.env.MOVED_TO || '/' }).end();
  if (request.url === '/flaky') return response.writeHead(flips++ % 2 ? 500 : 200).end('now and then');
  if (request.url === '/login' && request.method === 'POST') return request.pipe(response);
  if (/^\/assets\/[\w.-]+$/.test(request.url) && fs.existsSync('public' + request.url))
    return response.writeHead(200, { 'content-type': process.env.SCRIPT_TYPE || 'text/javascript' })
      .end(fs.readFileSync('public' + request.url));
  const route = routes[request.url];
  if (!route) return response.writeHead(404).end();
  try {
    const body = route();
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.setHeader('content-type', typeof body === 'string' ? 'text/html; charset=utf-8' : 'application/json');
    if (process.env.CHUNKED) response.write(text.slice(0, 1)), response.end(text.slice(1));
    else response.end(text);
  } catch (error) {
    console.error(error);
    response.writeHead(500).end(error.code);
  }
});
server.on('upgrade', (request, socket) => {
  const accept = crypto.createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11');
  socket.end(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`);
});
process.on('SIGTERM', () => setTimeout(() => process.exit(0), Number(process.env.LINGER || 0)));
setTimeout(() => server.listen(Number(process.env.PORT || 3000)), Number(process.env.WAIT || 0));
