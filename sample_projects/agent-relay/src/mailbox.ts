export interface Message {
  from: string;
  text: string;
}

const KEPT = 100;

/** The last messages to one agent, the newest last. */
export class Mailbox {
  private readonly messages: Message[] = [];

  put(message: Message): void {
    this.messages.push(message);
    if (this.messages.length > KEPT) this.messages.shift();
  }

  get all(): readonly Message[] {
    return this.messages;
  }
}
