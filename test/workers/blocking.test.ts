/**
 * Hundreds of clients on several worker threads push, move, pop and wait, give up, are unblocked and leave. Every element
 * has a name of its own: none may be lost or handed out twice, and on one key who came first is served first.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Command, OracleSocket, Random } from '../support/differential.ts';
import { type RealServer, startRealServer } from '../support/real-server.ts';
import { type Reply, replyValue } from '../support/reply.ts';
import { freshSeed } from '../support/seed.ts';

const THREADS = 4;
const PRODUCERS = 40;
const CONSUMERS = 120;
const MOVERS = 40;
const LEAVERS = 20;
/** BLOCKING_SECONDS makes it longer. */
const DURATION_MS = Number(process.env['BLOCKING_SECONDS'] ?? 2) * 1000;
/** On a slow machine it takes as long as this many take. */
const ELEMENTS_MIN = 1000;
/** Elements come in at the first, and go on to the second and the third. */
const QUEUES = ['q0', 'q1', 'q2', 'q3', 'q4', 'q5'] as const;
const STAGES = ['s0', 's1', 's2'] as const;
const ENDS = ['t0', 't1'] as const;
const SORTED = ['z0', 'z1', 'z2'] as const;
/** Only who may leave with an element under way waits for these, beside a few who stay. */
const RISKY = ['r0', 'r1'] as const;
const LISTS: readonly string[] = [...QUEUES, ...STAGES, ...ENDS, ...RISKY];

let server: RealServer;
beforeAll(async () => {
  server = await startRealServer(['--threads', `${THREADS}`, '--enable-debug-command', 'yes']);
});
afterAll(() => server.stop());

/** One connection whose replies are values. */
class Caller {
  private readonly socket: OracleSocket;
  private constructor(socket: OracleSocket) {
    this.socket = socket;
  }

  static async open(): Promise<Caller> {
    return new Caller(await OracleSocket.open(server.port));
  }

  async ask(...command: Command): Promise<Reply> {
    const [reply] = await this.socket.run([command]);
    return replyValue(reply!);
  }

  close(): void {
    this.socket.close();
  }
}

function isError(reply: Reply): reply is { error: string } {
  return typeof reply === 'object' && reply !== null && !Array.isArray(reply);
}

/** What all clients together have done. */
class Market {
  readonly sent = new Set<string>();
  readonly got: string[] = [];
  /** Clients that left while they waited for risky elements: each may have taken along up to one. */
  rudeCount = 0;
  timeoutCount = 0;
  unblockedCount = 0;
  producing = true;
  consuming = true;
  readonly waitingIds = new Map<Caller, number>();
  private readonly callers: Caller[] = [];

  async open(): Promise<Caller> {
    const caller = await Caller.open();
    this.callers.push(caller);
    return caller;
  }

  closeAll(): void {
    for (const caller of this.callers) caller.close();
  }

  /** Notes the elements in a reply to a pop of any kind: `names` are keys that may stand among them. */
  take(reply: Reply): void {
    if (reply === null) this.timeoutCount++;
    else if (isError(reply)) {
      if (!reply.error.startsWith('UNBLOCKED ')) throw new Error(reply.error);
      this.unblockedCount++;
    } else this.collect(reply);
  }

  private collect(reply: Reply): void {
    if (Array.isArray(reply)) for (const item of reply) this.collect(item);
    else if (typeof reply === 'string' && reply.includes('-')) this.got.push(reply);
  }
}

async function produce(market: Market, random: Random, number: number): Promise<void> {
  const caller = await market.open();
  let count = 0;
  const elements = (): string[] =>
    Array.from({ length: random.between(1, 4) }, () => {
      const name = `${number}-${count++}`;
      market.sent.add(name);
      return name;
    });
  while (market.producing) {
    const choice = random.below(20);
    if (choice < 4) {
      const pairs = elements().flatMap((name, index) => [index, name]);
      await caller.ask('ZADD', random.pick(SORTED), ...pairs);
    } else if (choice < 6) await caller.ask('RPUSH', random.pick(RISKY), ...elements());
    else if (choice < 8) await produceByMoving(caller, random, `own list ${number}`, elements());
    else await caller.ask(random.pick(['LPUSH', 'RPUSH']), random.pick(QUEUES), ...elements());
    if (random.oneIn(3)) await Bun.sleep(random.below(5));
  }
}

/** Lets a key come about by other ways than a push. */
async function produceByMoving(
  caller: Caller,
  random: Random,
  own: string,
  elements: string[],
): Promise<void> {
  const queue = random.pick(QUEUES);
  await caller.ask('RPUSH', own, ...elements);
  if (random.oneIn(2) && (await caller.ask('RENAMENX', own, queue)) === 1) return;
  while ((await caller.ask('LMOVE', own, queue, 'LEFT', 'RIGHT')) !== null);
}

function waitingCommand(random: Random): Command {
  const timeout = random.pick([0, '0.003', '0.02', '0.1', '0.5']);
  const lists = Array.from({ length: random.between(1, 3) }, () =>
    random.pick([...QUEUES, ...STAGES, ...ENDS]),
  );
  const sorted = Array.from({ length: random.between(1, 2) }, () => random.pick(SORTED));
  const end = random.pick(['LEFT', 'RIGHT']);
  switch (random.below(6)) {
    case 0:
      return ['BLMPOP', timeout, lists.length, ...lists, end, 'COUNT', random.between(1, 4)];
    case 1:
      return [random.pick(['BZPOPMIN', 'BZPOPMAX']), ...sorted, timeout];
    case 2:
      return ['BZMPOP', timeout, sorted.length, ...sorted, 'MIN', 'COUNT', 2];
    default:
      return [random.pick(['BLPOP', 'BRPOP']), ...lists, timeout];
  }
}

async function consume(
  market: Market,
  random: Random,
  draw: (random: Random) => Command,
  isTaking: boolean,
): Promise<void> {
  const caller = await market.open();
  market.waitingIds.set(caller, (await caller.ask('CLIENT', 'ID')) as number);
  while (market.consuming) {
    const reply = await caller.ask(...draw(random));
    // What was moved is still in some list; only that nothing else comes back matters.
    if (isTaking || reply === null || isError(reply)) market.take(reply);
  }
  market.waitingIds.delete(caller);
}

function movingCommand(random: Random): Command {
  const timeout = random.pick([0, '0.01', '0.2']);
  const isFirst = random.oneIn(2);
  const from = random.pick(isFirst ? QUEUES : STAGES);
  const to = random.pick(isFirst ? STAGES : ENDS);
  const ends = [random.pick(['LEFT', 'RIGHT']), random.pick(['LEFT', 'RIGHT'])];
  if (random.oneIn(3)) return ['BRPOPLPUSH', from, to, timeout];
  if (random.oneIn(2)) return ['BLMOVE', from, to, ...ends, timeout];
  const howMany = random.pick(['COUNT', 'EXACTLY']);
  return ['BLMOVEM', from, to, ...ends, timeout, howMany, random.between(1, 3), random.pick(['OBO', 'BULK'])];
}

/** Comes, waits for a little, and leaves without a word; takes what it gets in time. */
async function leave(market: Market, random: Random): Promise<void> {
  while (market.consuming) {
    const caller = await Caller.open();
    let isAnswered = false;
    const answer = caller.ask('BLPOP', ...RISKY, 0).then(
      (reply) => {
        isAnswered = true;
        market.take(reply);
      },
      () => {},
    );
    await Promise.race([answer, Bun.sleep(random.below(20))]);
    if (!isAnswered) market.rudeCount++;
    caller.close();
    await answer;
  }
}

async function unblockOthers(market: Market, random: Random): Promise<void> {
  const caller = await market.open();
  while (market.consuming) {
    await Bun.sleep(random.below(10));
    const ids = [...market.waitingIds.values()];
    if (ids.length > 0)
      await caller.ask('CLIENT', 'UNBLOCK', random.pick(ids), random.pick(['TIMEOUT', 'ERROR']));
  }
}

/** Ends every wait again and again until all consumers have seen that it is over. */
async function endConsumers(market: Market, consumers: Promise<unknown>): Promise<void> {
  market.consuming = false;
  const caller = await market.open();
  let isOver = false;
  void consumers.finally(() => (isOver = true));
  while (!isOver) {
    for (const id of market.waitingIds.values()) await caller.ask('CLIENT', 'UNBLOCK', id);
    await Bun.sleep(5);
  }
  await consumers;
}

async function checkServer(caller: Caller): Promise<void> {
  // Who has left is noticed a little later.
  for (let i = 0; i < 200; i++) {
    if (/^blocked_clients:0\r$/m.test((await caller.ask('INFO', 'clients')) as string)) break;
    await Bun.sleep(10);
  }
  expect(await caller.ask('INFO', 'clients')).toContain('blocked_clients:0\r\n');
  expect(typeof (await caller.ask('DEBUG', 'VERIFY'))).toBe('number');
  expect(server.log()).not.toMatch(/fatal|assert|internal error|failed/i);
}

test('whoever pushes, moves and waits, no element is lost or handed out twice', async () => {
  const seed = freshSeed('blocking');
  const market = new Market();
  const random = (number: number): Random => new Random(seed + number);
  const producers = Array.from({ length: PRODUCERS }, (_, index) => produce(market, random(index), index));
  const consumers = Promise.all([
    ...Array.from({ length: CONSUMERS }, (_, index) =>
      consume(market, random(100 + index), waitingCommand, true),
    ),
    ...Array.from({ length: MOVERS }, (_, index) =>
      consume(market, random(300 + index), movingCommand, false),
    ),
    ...[0, 1, 2].map((index) =>
      consume(market, random(400 + index), () => ['BLPOP', ...RISKY, '0.05'], true),
    ),
    ...Array.from({ length: LEAVERS }, (_, index) => leave(market, random(500 + index))),
    ...[0, 1, 2, 3].map((index) => unblockOthers(market, random(600 + index))),
  ]);
  const startMs = performance.now();
  while (performance.now() - startMs < DURATION_MS || market.sent.size < ELEMENTS_MIN) await Bun.sleep(20);
  market.producing = false;
  await Promise.all(producers);
  await endConsumers(market, consumers);
  const caller = await market.open();
  for (const list of LISTS) market.take(await caller.ask('LRANGE', list, 0, -1));
  for (const sorted of SORTED) market.take(await caller.ask('ZRANGE', sorted, 0, -1));
  const { sent, got, rudeCount, timeoutCount, unblockedCount } = market;
  const lost = sent.size - got.length;
  console.log(
    `${sent.size} elements, ${timeoutCount} waits in vain, ${unblockedCount} unblocked, ${rudeCount} left, ${lost} of their elements lost`,
  );
  const unique = new Set(got);
  expect(unique.size).toBe(got.length);
  expect(got.filter((name) => !sent.has(name))).toEqual([]);
  expect(lost).toBeGreaterThanOrEqual(0);
  expect(lost).toBeLessThanOrEqual(rudeCount);
  expect(timeoutCount).toBeGreaterThan(0);
  await checkServer(caller);
  market.closeAll();
}, 60_000);

test('on one key clients of all workers are served in the order in which they came', async () => {
  const clients = await Promise.all(Array.from({ length: 48 }, () => Caller.open()));
  const control = await Caller.open();
  const blockedCount = async (): Promise<number> =>
    Number(/blocked_clients:(\d+)/.exec((await control.ask('INFO', 'clients')) as string)![1]);
  const random = new Random(freshSeed('order'));
  for (let round = 0; round < 5; round++) {
    const order = clients.toSorted(() => random.below(3) - 1);
    const replies: Promise<Reply>[] = [];
    for (const [index, client] of order.entries()) {
      replies.push(client.ask(random.pick(['BLPOP', 'BRPOP']), 'one key', 0));
      while ((await blockedCount()) <= index);
    }
    const pushers = await Promise.all(Array.from({ length: 4 }, () => Caller.open()));
    for (let index = 0; index < order.length; index++) {
      await pushers[index % 4]!.ask('RPUSH', 'one key', index);
    }
    expect(await Promise.all(replies)).toEqual(order.map((_, index) => ['one key', `${index}`]));
    pushers.forEach((pusher) => pusher.close());
  }
  await checkServer(control);
  for (const client of [...clients, control]) client.close();
}, 60_000);

test('who waits is told within milliseconds', async () => {
  const pairs = await Promise.all(
    Array.from({ length: 8 }, () => Promise.all([Caller.open(), Caller.open()])),
  );
  const delays: number[] = [];
  for (let round = 0; round < 200; round++) {
    const [waiter, pusher] = pairs[round % pairs.length]!;
    const answer = waiter.ask('BLPOP', `key ${round}`, 0);
    await Bun.sleep(1);
    const startMs = performance.now();
    void pusher.ask('RPUSH', `key ${round}`, 'x');
    expect(await answer).toEqual([`key ${round}`, 'x']);
    delays.push(performance.now() - startMs);
  }
  delays.sort((a, b) => a - b);
  const [median, late] = [delays[100]!, delays[197]!];
  console.log(`delay ms: median ${median.toFixed(2)}, p99 ${late.toFixed(2)}`);
  // A busy machine is slow, but no timer may have a part in it.
  expect(median).toBeLessThan(10);
  for (const pair of pairs) for (const caller of pair) caller.close();
}, 60_000);
