import dgram from 'unix-dgram';

/** What is said goes to the host's log as datagrams; without a socket to send to it goes nowhere. */
export function logSocket(path) {
  const socket = dgram.createSocket('unix_dgram');
  socket.on('error', () => {});
  const send = (line) => path && socket.send(Buffer.from(line), 0, Buffer.byteLength(line), path);
  return { kind: 'unix_dgram', send };
}
