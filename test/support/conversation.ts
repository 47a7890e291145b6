/** Several clients that hear of each other, the same on our server and on another: the same commands in the same order, and
 *  after each of them everybody must have been sent the same. */
import { connect, type Socket } from 'node:net';
import { type Command, replyEnd } from './differential.ts';
import { encodeRequest, type TestClient, TestServer } from './test-server.ts';

/** How long the other server may take to send what ours has sent. */
const PATIENCE_MS = 2000;
const HISTORY_SHOWN = 30;
/** A command that monitors are not shown. */
const PROBE = ['CONFIG', 'GET', 'hz'] as const;

class Ours {
  readonly client: TestClient;

  constructor(client: TestClient) {
    this.client = client;
  }

  take(): string {
    const { output } = this.client.socket;
    this.client.socket.output = '';
    return output;
  }
}

class Theirs {
  readonly socket: Socket;
  received = '';
  id = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
    socket.on('error', () => {});
  }

  static open(port: number): Promise<Theirs> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(new Theirs(socket)));
      socket.once('error', reject);
    });
  }

  async until(condition: () => boolean): Promise<boolean> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > deadlineMs) return false;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return true;
  }

  async ask(...command: Command): Promise<string> {
    this.received = '';
    this.socket.write(encodeRequest(command));
    await this.until(() => this.received !== '' && replyEnd(this.received, 0) >= 0);
    return this.received;
  }
}

export class Conversation {
  readonly server = new TestServer({ shardCount: 8, shardBytes: 4 << 20 });
  private readonly port: number;
  private readonly ours: Ours[] = [];
  private readonly theirs: Theirs[] = [];
  private control!: Theirs;
  private readonly history: string[] = [];

  private constructor(port: number) {
    this.port = port;
  }

  /** `clientCount` clients on our server, and on the other one that listens on `port`, which is emptied. */
  static async open(port: number, clientCount: number): Promise<Conversation> {
    const made = new Conversation(port);
    made.control = await Theirs.open(port);
    await made.control.ask('FLUSHALL');
    for (let index = 0; index < clientCount; index++) await made.renew(index);
    return made;
  }

  /** The client leaves, and a new one comes in its place. */
  async renew(index: number): Promise<void> {
    if (index < this.ours.length) {
      this.history.push(`${index} leaves`);
      this.ours[index]!.client.connection.close();
      this.theirs[index]!.socket.destroy();
      await this.control.until(() => this.theirs[index]!.socket.destroyed);
      // Until the other server has noticed.
      const gone = `id=${this.theirs[index]!.id} `;
      while ((await this.control.ask('CLIENT', 'LIST')).includes(gone)) await Bun.sleep(1);
    }
    this.ours[index] = new Ours(this.server.connect());
    const end = await Theirs.open(this.port);
    this.theirs[index] = end;
    end.id = Number((await end.ask('CLIENT', 'ID')).slice(1));
    // What monitors are shown of this.
    await this.control.ask(...PROBE);
    await Bun.sleep(2);
    for (const other of this.theirs) other.received = '';
  }

  /**
   * Client `index` asks `command`, in which `#n` stands for the id of client n. Compares what everybody was sent, the
   * order of messages that come one behind the other left aside when `anyOrder`.
   */
  async step(index: number, command: Command, anyOrder = false): Promise<void> {
    this.history.push(`${index}: ${command.join(' ').slice(0, 120)}`);
    const named = (ids: readonly number[]): Command =>
      command.map((part) =>
        typeof part === 'string' ? part.replace(/^#(\d+)$/, (_, n) => `${ids[Number(n)]}`) : part,
      );
    const ourIds = this.ours.map(({ client }) => client.connection.id);
    const theirIds = this.theirs.map(({ id }) => id);
    this.ours[index]!.client.connection.receive(encodeRequest(named(ourIds)));
    this.theirs[index]!.socket.write(encodeRequest(named(theirIds)));
    await this.control.ask(...PROBE);
    for (let client = 0; client < this.ours.length; client++) {
      const sent = withoutIds(this.ours[client]!.take(), ourIds);
      const end = this.theirs[client]!;
      const received = (): string => withoutIds(end.received, theirIds);
      await end.until(() => received().length >= sent.length);
      const isSame = received() === sent || (anyOrder && sorted(received()) === sorted(sent));
      if (!isSame) throw new Error(this.describe(client, sent, received()));
      end.received = '';
    }
  }

  private describe(client: number, ours: string, theirs: string): string {
    return [
      `client ${client}`,
      `ours:   ${JSON.stringify(ours.slice(0, 400))}`,
      `theirs: ${JSON.stringify(theirs.slice(0, 400))}`,
      ...this.history.slice(-HISTORY_SHOWN),
    ].join('\n');
  }

  close(): void {
    for (const { socket } of [...this.theirs, this.control]) socket.destroy();
    this.server.verify();
  }
}

/** Integers that are ids become the numbers of the clients; HELLO's version and MONITOR's times are left out. */
function withoutIds(text: string, ids: readonly number[]): string {
  const plain = text
    .replace(/(version\r\n)\$\d+\r\n[\d.]+/g, '$1')
    .replace(/\+\d{10}\.\d{6} \[(\d+) [^\]]+\]/g, '+TIME [$1 CLIENT]');
  return plain.replace(/((?:redirect|\$2\r\nid|broken)\r\n:)(\d+)/g, (whole, head: string, id: string) => {
    const index = ids.indexOf(Number(id));
    return index < 0 && id === '0' ? whole : `${head}#${index}`;
  });
}

/** What is sent, the lines of arrays and messages that come one behind the other in the order of the alphabet. */
function sorted(text: string): string {
  let result = '';
  let lines: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = replyEnd(text, at);
    const reply = text.slice(at, end < 0 ? text.length : end);
    at += reply.length;
    if ('*>~%'.includes(reply[0]!)) lines.push(...reply.split('\r\n'));
    else {
      result += lines.sort().join() + reply;
      lines = [];
    }
  }
  return result + lines.sort().join();
}
