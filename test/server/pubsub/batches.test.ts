import { afterEach, beforeEach, expect, test } from 'bun:test';
import { BatchBuffers, Batch } from '../../../src/server/clients/batch.ts';
import { Random } from '../../support/differential.ts';
import { freshSeed } from '../../support/seed.ts';
import { encodeRequest, type TestClient, TestServer } from '../../support/test-server.ts';

let server: TestServer;
beforeEach(() => {
  server = new TestServer();
});
afterEach(() => server.verify());

const CHANNELS = ['a', 'ab', 'b'];
const PATTERNS = ['a*', '*'];

/** A client, what it listens to and what it is owed. */
class Listener {
  readonly client: TestClient;
  readonly version: 2 | 3;
  readonly names = new Set<string>();
  owed = '';

  constructor(version: 2 | 3) {
    this.client = server.connect();
    this.version = version;
    if (version === 3) this.client.run('HELLO', 3);
  }

  ask(random: Random): void {
    const isPattern = random.oneIn(3);
    const name = random.pick(isPattern ? PATTERNS : CHANNELS);
    const word = this.names.has(`${isPattern} ${name}`) ? 'unsubscribe' : 'subscribe';
    if (word === 'subscribe') this.names.add(`${isPattern} ${name}`);
    else this.names.delete(`${isPattern} ${name}`);
    const told = (isPattern ? 'p' : '') + word;
    this.client.connection.receive(encodeRequest([told, name]));
    this.owe([told, name], `:${this.names.size}\r\n`);
  }

  hear(channel: string, message: string): number {
    let count = 0;
    if (this.names.has(`false ${channel}`)) count += this.owe(['message', channel, message]);
    for (const pattern of this.patterns()) {
      if (pattern === '*' || channel.startsWith('a'))
        count += this.owe(['pmessage', pattern, channel, message]);
    }
    return count;
  }

  /** In the order in which the server knows them. */
  private patterns(): string[] {
    return patternOrder.filter((pattern) => this.names.has(`true ${pattern}`));
  }

  private owe(parts: string[], end = ''): number {
    const count = parts.length + (end === '' ? 0 : 1);
    this.owed += `${this.version === 3 ? '>' : '*'}${count}\r\n`;
    for (const part of parts) this.owed += `$${part.length}\r\n${part}\r\n`;
    this.owed += end;
    return 1;
  }
}

/** Of these a worker tells in the order in which somebody began to listen to them: with a listener of each all along. */
const patternOrder = PATTERNS;

test('each client gets everything in order, whoever publishes, listens and is told what meanwhile', () => {
  const random = new Random(freshSeed('batches'));
  const keeper = server.connect();
  keeper.run('PSUBSCRIBE', ...PATTERNS);
  const listeners = Array.from({ length: 6 }, (_, index) => new Listener(index % 2 === 0 ? 2 : 3));
  for (const { client } of listeners) client.socket.output = '';
  // A turn of the event loop ends when the test says so.
  let endTurn = (): void => {};
  server.engine.outbox.schedule = (run) => (endTurn = run);
  for (let step = 0; step < 3000; step++) {
    const choice = random.below(10);
    const listener = random.pick(listeners);
    if (choice === 0) listener.ask(random);
    else if (choice < 3) {
      const [run] = [endTurn];
      endTurn = () => {};
      run();
    } else {
      const publisher = choice === 3 && listener.version === 3 ? listener : null;
      const messages = Array.from({ length: 1 + random.below(4) }, (_, index) => `${step}-${index}`);
      const channel = random.pick(CHANNELS);
      if (random.oneIn(20)) messages.push('x'.repeat(random.below(100_000)));
      const requests = Buffer.concat(messages.map((message) => encodeRequest(['PUBLISH', channel, message])));
      for (const message of messages) {
        let count = 2 - (channel === 'b' ? 1 : 0);
        for (const each of listeners) count += each.hear(channel, message);
        if (publisher !== null) publisher.owed += `:${count}\r\n`;
      }
      (publisher?.client ?? server.client).connection.receive(requests);
    }
  }
  server.engine.outbox.flush();
  for (const { client, owed } of listeners) expect(client.socket.output === owed).toBe(true);
}, 30_000);

test('one read that publishes much costs each client one write, and all the same bytes', () => {
  const clients = Array.from({ length: 5 }, () => server.connect());
  for (const client of clients) client.run('SUBSCRIBE', 'news');
  const written: Uint8Array[] = [];
  for (const { socket } of clients) {
    socket.write = (data, _at, byteCount) => {
      written.push(data as Buffer);
      return byteCount!;
    };
  }
  server.client.send(
    Buffer.concat(Array.from({ length: 20 }, (_, i) => encodeRequest(['PUBLISH', 'news', i]))),
  );
  expect(written.length).toBe(5);
  expect(new Set(written).size).toBe(1);
});

test('those who do not take all keep the rest, and the next messages do not change it', () => {
  const clients = Array.from({ length: 8 }, () => server.connect());
  for (const client of clients) client.run('SUBSCRIBE', 'news');
  let expected = '';
  const publish = (message: string): void => {
    server.run('PUBLISH', 'news', message);
    expected += `*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$${message.length}\r\n${message}\r\n`;
  };
  clients.forEach(({ socket }, index) => {
    socket.output = '';
    socket.room = index * 3001;
  });
  for (let i = 0; i < 20; i++) publish(String.fromCharCode(97 + i).repeat(i % 3 === 0 ? 50 : 5000));
  for (const { socket, connection } of clients) {
    socket.room = Infinity;
    connection.drain();
    expect(socket.output === expected).toBe(true);
  }
});

test('a script that publishes without end holds no more than its listeners may be owed', () => {
  server = new TestServer({
    settings: { 'client-output-buffer-limit': 'normal 0 0 0 slave 0 0 0 pubsub 1000000 0 0' },
  });
  const [slow, other] = [server.connect(), server.connect()];
  slow.run('SUBSCRIBE', 'news');
  other.run('SUBSCRIBE', 'other');
  const script = `for i = 1, 2000 do redis.call('PUBLISH', 'news', ARGV[1]) end return redis.call('PUBLISH', 'other', 'x')`;
  const before = process.memoryUsage().arrayBuffers;
  expect(server.run('EVAL', script, 0, 'm'.repeat(100_000))).toBe(':1\r\n');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 << 20);
  expect(slow.connection.closed).toBe(true);
  expect(other.socket.output).toEndWith('$1\r\nx\r\n');
});

test('a batch that is sealed keeps just what it holds, and its buffer serves another', () => {
  const buffers = new BatchBuffers();
  const [first, second] = [new Batch(buffers), new Batch(buffers)];
  const buffer = first.add(3);
  buffer.u8.write('abc', 'latin1');
  first.seal();
  expect(second.add(5)).toBe(buffer);
  buffer.u8.write('xxxxx', 'latin1');
  expect(Buffer.from(first.content).toString()).toBe('abc');
  expect(first.content.buffer.byteLength).toBeLessThan(10_000);
  second.close();
  expect(second.kept).toBe(second.kept);
  const { kept } = second;
  second.free();
  new Batch(buffers).add(2).u8.write('zz', 'latin1');
  expect(Buffer.from(kept).toString()).toBe('xxxxx');
});
