/** Everybody who is connected hears what anybody says; the newcomer is greeted. */
export class Room {
  #people = new Set();

  constructor(log) {
    this.log = log;
  }

  get size() {
    return this.#people.size;
  }

  join(socket) {
    this.#people.add(socket);
    socket.on('close', () => this.#people.delete(socket));
    socket.on('message', (data) => this.#say(String(data)));
    socket.send(JSON.stringify({ from: 'room', text: 'welcome' }));
  }

  #say(text) {
    this.log.send(text);
    for (const person of this.#people) person.send(JSON.stringify({ from: 'somebody', text }));
  }
}
