/**
 * Messages between threads: a port from each worker to every other and to main. Commands whose answer needs other
 * threads ask by topic; whoever serves a topic registers a handler for it. No message is on the data path.
 */

/** Answers a question; may be asynchronous. Throwing rejects the asker's promise. */
export type TopicHandler = (payload: unknown) => unknown;
/** Takes what is told. */
export type TextHandler = (text: string) => void;

/** What any port here can do: MessagePort, Worker, or a worker's global scope. */
export interface Port {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

interface Message {
  readonly kind: 'ask' | 'answer' | 'refusal' | 'gift';
  readonly id: number;
  readonly topic: string;
  readonly payload: unknown;
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: Error) => void;
}

export class Mesh {
  private readonly handlers = new Map<string, TopicHandler>();
  private readonly textHandlers = new Map<string, TextHandler>();
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  /** Serves `topic` in this thread. */
  on(topic: string, handler: TopicHandler): void {
    this.handlers.set(topic, handler);
  }

  /** Takes what is told about `topic` in this thread. */
  onText(topic: string, handler: TextHandler): void {
    this.textHandlers.set(topic, handler);
  }

  /** Starts listening to a port of another thread. */
  connect(port: Port): void {
    port.addEventListener('message', (event) => {
      const message = event.data as Message | string;
      if (typeof message === 'string') this.receiveText(message);
      else this.receive(port, message);
    });
  }

  /** Tells the thread behind `port` what wants no answer. A lone string costs a fifth of what an object costs to send. */
  tell(port: Port, topic: string, text: string): void {
    port.postMessage(`${topic} ${text}`);
  }

  /** Hands over what wants no answer. It arrives in order with what is asked. */
  give(port: Port, topic: string, payload: unknown): void {
    port.postMessage({ kind: 'gift', id: 0, topic, payload } satisfies Message);
  }

  private receiveText(message: string): void {
    const topicEnd = message.indexOf(' ');
    this.textHandlers.get(message.slice(0, topicEnd))?.(message.slice(topicEnd + 1));
  }

  /** Asks the thread behind `port`. */
  ask(port: Port, topic: string, payload: unknown): Promise<unknown> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      port.postMessage({ kind: 'ask', id, topic, payload } satisfies Message);
    });
  }

  /** Answers a question from within this thread. */
  async askHere(topic: string, payload: unknown): Promise<unknown> {
    return this.answerHere(topic, payload);
  }

  /** The same at once, where the handler does not answer later. */
  answerHere(topic: string, payload: unknown): unknown {
    const handler = this.handlers.get(topic);
    if (handler === undefined) throw new Error(`no handler for topic ${topic}`);
    return handler(payload);
  }

  private receive(port: Port, message: Message): void {
    if (message.kind === 'ask') {
      void this.answer(port, message);
      return;
    }
    if (message.kind === 'gift') {
      this.handlers.get(message.topic)?.(message.payload);
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.payload);
    else waiting?.reject(new Error(String(message.payload)));
  }

  private async answer(port: Port, question: Message): Promise<void> {
    const { id, topic } = question;
    try {
      const payload = await this.askHere(topic, question.payload);
      port.postMessage({ kind: 'answer', id, topic, payload } satisfies Message);
    } catch (error) {
      port.postMessage({
        kind: 'refusal',
        id,
        topic,
        payload: error instanceof Error ? error.message : String(error),
      } satisfies Message);
    }
  }
}
