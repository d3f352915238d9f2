import { line } from './line.js';

const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/chat`);
const list = document.querySelector('ol');
const form = document.querySelector('form');

socket.addEventListener('message', (event) => list.append(line(JSON.parse(event.data))));
form.addEventListener('submit', (event) => {
  event.preventDefault();
  socket.send(form.elements.text.value);
  form.reset();
});
