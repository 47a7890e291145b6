/** Programs of others that keep their data in Redis, as their users run them, each on any server that speaks its protocol:
 *  systems.test.ts runs them on ours, and on redis-server to know that the check itself is right. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@socket.io/redis-adapter';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import Redlock from 'redlock';
import { Server as SocketServer } from 'socket.io';
import { connect as connectSocket, type Socket as ClientSocket } from 'socket.io-client';
import { checkBullMq, checkCelery, isCeleryMissing } from './queues.ts';

/** A program and its check against the server on `port` of this machine, which throws if anything is not as it should be. */
export interface System {
  readonly name: string;
  readonly check: (port: number) => Promise<void>;
  /** It is not installed here. */
  readonly isMissing?: boolean;
}

export const SYSTEMS: readonly System[] = [
  { name: 'express-session with connect-redis', check: checkSessions },
  { name: "Socket.IO's Redis adapter", check: checkSocketIo },
  { name: 'redlock', check: checkRedlock },
  { name: 'Celery', check: checkCelery, isMissing: isCeleryMissing() },
  { name: 'BullMQ', check: checkBullMq },
];

function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [ours, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (ours !== wanted) throw new Error(`${what}: ${ours} instead of ${wanted}`);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A visitor's count kept in a session: it grows with each visit, lives in the store, and is gone once destroyed. */
async function checkSessions(port: number): Promise<void> {
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  const store = new RedisStore({ client, prefix: 'session:', ttl: 60 });
  const handle = session({ store, secret: 'not a secret', resave: false, saveUninitialized: false });
  const server = createServer((request, response) => {
    void handle(request as never, response as never, () => {
      const visitor = (request as typeof request & { session: session.Session & { visits?: number } })
        .session;
      if (request.url === '/leave') return visitor.destroy(() => response.end('gone'));
      visitor.visits = (visitor.visits ?? 0) + 1;
      response.end(`${visitor.visits}`);
    });
  });
  try {
    const base = `http://127.0.0.1:${await listen(server)}`;
    const first = await fetch(base);
    const cookie = first.headers.get('set-cookie')!.split(';')[0]!;
    expectEqual(await first.text(), '1', 'the first visit');
    for (const visits of ['2', '3']) {
      expectEqual(await (await fetch(base, { headers: { cookie } })).text(), visits, 'a later visit');
    }
    const keys = await client.keys('session:*');
    expectEqual(keys.length, 1, 'sessions kept');
    const seconds = await client.ttl(keys[0]!);
    expectEqual(seconds > 0 && seconds <= 60, true, `a session of 60 seconds that has ${seconds} left`);
    await (await fetch(`${base}/leave`, { headers: { cookie } })).text();
    expectEqual(await client.keys('session:*'), [], 'sessions after leaving');
  } finally {
    server.close();
    client.destroy();
  }
}

/** Two servers behind one adapter: what one emits reaches the clients of both, rooms and questions included. */
async function checkSocketIo(port: number): Promise<void> {
  const connections: Redis[] = [];
  const servers: SocketServer[] = [];
  const clients: ClientSocket[] = [];
  const newConnection = (): Redis => {
    const connection = new Redis(port, '127.0.0.1');
    // The server is stopped before they are.
    connection.on('error', () => {});
    connections.push(connection);
    return connection;
  };
  try {
    for (let index = 0; index < 2; index++) {
      const http = createServer();
      const io = new SocketServer(http, { adapter: createAdapter(newConnection(), newConnection()) });
      servers.push(io);
      io.on('connection', (socket) => {
        socket.on(
          'join',
          (room: string, done: () => void) => void Promise.resolve(socket.join(room)).then(done),
        );
      });
      const client = connectSocket(`http://127.0.0.1:${await listen(http)}`, { transports: ['websocket'] });
      clients.push(client);
      await new Promise<void>((resolve) => client.on('connect', () => resolve()));
    }
    // A server hears of others' messages once it has subscribed, which its clients do not wait for.
    while ((await servers[0]!.of('/').adapter.serverCount()) < servers.length) await Bun.sleep(5);
    await converse(servers, clients);
  } finally {
    for (const client of clients) client.disconnect();
    for (const io of servers) await io.close();
    for (const connection of connections) connection.disconnect();
  }
}

async function converse(servers: readonly SocketServer[], clients: readonly ClientSocket[]): Promise<void> {
  const [first, second] = [servers[0]!, servers[1]!];
  const heard = (client: ClientSocket, event: string): Promise<unknown> =>
    new Promise((resolve) => client.once(event, resolve));
  const toAll = Promise.all(clients.map((client) => heard(client, 'news')));
  first.emit('news', { text: 'for all', bytes: 3 });
  expectEqual(await toAll, Array(2).fill({ text: 'for all', bytes: 3 }), 'a message to all');
  await clients[1]!.emitWithAck('join', 'room');
  const toRoom = heard(clients[1]!, 'room news');
  first.to('room').emit('room news', 'for one');
  expectEqual(await toRoom, 'for one', 'a message to a room of the other server');
  expectEqual((await first.fetchSockets()).length, 2, 'sockets of both servers');
  const answered = new Promise((resolve) =>
    second.on('question', (question: string, answer: (text: string) => void) => {
      answer(`${question}!`);
      resolve(question);
    }),
  );
  expectEqual(
    await first.serverSideEmitWithAck('question', 'well'),
    ['well!'],
    'a question to the other server',
  );
  await answered;
}

/** A lock that one holds at a time, that can be extended and given back, and that ends by itself. */
async function checkRedlock(port: number): Promise<void> {
  const client = new Redis(port, '127.0.0.1');
  try {
    // Its types are of an older ioredis; what it calls, `eval` with a callback, is there.
    const clients = [client as never];
    const locks = new Redlock(clients, { retryCount: 0 });
    const patient = new Redlock(clients, { retryCount: 50, retryDelay: 20, retryJitter: 0 });
    const held = await locks.lock('lock:a', 5000);
    const refused = await locks.lock('lock:a', 5000).then(
      () => 'given twice',
      (error: Error) => error.name,
    );
    expectEqual(refused, 'LockError', 'a lock that is held');
    const extended = await held.extend(200);
    const next = await patient.lock('lock:a', 1000);
    expectEqual(
      (await extended.unlock().catch((error: Error) => error.name)) as unknown,
      'LockError',
      'a lock lost',
    );
    await next.unlock();
    expectEqual(await client.exists('lock:a'), 0, 'a lock given back');
    let inside = 0;
    let most = 0;
    const worker = async (): Promise<void> => {
      const lock = await patient.lock('lock:b', 5000);
      most = Math.max(most, ++inside);
      await Bun.sleep(5);
      inside--;
      await lock.unlock();
    };
    await Promise.all(Array.from({ length: 10 }, worker));
    expectEqual(most, 1, 'holders at a time');
  } finally {
    client.disconnect();
  }
}
