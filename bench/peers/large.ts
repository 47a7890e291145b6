/** Collections of 1,000,000 elements: built, read at random, read by hundreds, removed; and what an element takes in
 *  memory, in them and in 100,000 hashes of ten fields. One connection, pipelines of 200. */

import { Prng } from '../../test/support/prng.ts';
import type { Goal, Metrics } from '../result.ts';
import { BatchClient, compareStep, type Step, type Words } from './batch-client.ts';
import { summarise } from './compare.ts';
import { withServers, type Bench, type Scenario } from './scenario.ts';

const AS_FAST: Goal = { metric: 'cpuUsPerOperation', on: 'ratio', atMost: 1 };
const MEMORY: Goal = { metric: 'bytesPerElement', on: 'ratio', atMost: 0.8 };
const READS = 200_000;
const RANGES = 5000;
const RANGE_ELEMENTS = 100;
const SMALL_HASHES = 100_000;
const SMALL_FIELDS = 10;

export const large: Scenario = {
  name: 'large',
  summary:
    'collections of 1,000,000 elements: build, read, remove, memory; SINTER of two; against redis-server',
  run: runLarge,
};

interface Clients {
  readonly ours: BatchClient;
  readonly peer: BatchClient;
}

async function runLarge(bench: Bench): Promise<void> {
  const cores = bench.cores.server;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  const count = bench.isQuick ? 100_000 : 1_000_000;
  await withServers(servers, async (ours, peer) => {
    const clients = { ours: await BatchClient.open(ours), peer: await BatchClient.open(peer) };
    for (const kind of kinds(count)) {
      await compareMemory(bench, clients, `${kind.name} of ${count}`, kind.build, count);
      for (const step of stepsOf(kind)) await compareStep(bench, 'large', clients, step);
    }
    await compareMemory(
      bench,
      clients,
      `${SMALL_HASHES} hashes of ${SMALL_FIELDS}`,
      smallHashes(),
      SMALL_HASHES * SMALL_FIELDS,
    );
    for (const step of intersections(count)) await compareStep(bench, 'large', clients, step);
    clients.ours.close();
    clients.peer.close();
  });
}

/** How one type is built and read. */
interface Kind {
  readonly name: string;
  readonly build: readonly Words[];
  readonly reads: readonly Step[];
}

function kinds(count: number): Kind[] {
  const order = shuffled(count, 1);
  const random = new Prng(2);
  const times = <T>(length: number, make: () => T): T[] => Array.from({ length }, make);
  const anyElement = (): string => elementOf(random.below(count));
  const first = (): number => random.below(count - RANGE_ELEMENTS);
  const read = (name: string, make: () => Words): Step => ({
    name,
    commands: times(READS, make),
    goal: AS_FAST,
  });
  const range = (name: string, make: () => Words): Step => ({
    name,
    commands: times(RANGES, make),
    goal: AS_FAST,
  });
  return [
    {
      name: 'list',
      build: Array.from(order, (n): Words => ['RPUSH', 'big', elementOf(n)]),
      reads: [
        { ...read('LINDEX', () => ['LINDEX', 'big', random.below(count)]) },
        range('LRANGE of 100', () => {
          const at = first();
          return ['LRANGE', 'big', at, at + RANGE_ELEMENTS - 1];
        }),
      ],
    },
    {
      name: 'hash',
      build: Array.from(order, (n): Words => ['HSET', 'big', elementOf(n), `value:${n}`]),
      reads: [
        read('HGET', () => ['HGET', 'big', anyElement()]),
        range('HMGET of 100', () => ['HMGET', 'big', ...times(RANGE_ELEMENTS, anyElement)]),
        range('HSCAN of 100', () => ['HSCAN', 'big', 0, 'COUNT', RANGE_ELEMENTS]),
      ],
    },
    {
      name: 'set',
      build: Array.from(order, (n): Words => ['SADD', 'big', elementOf(n)]),
      reads: [
        read('SISMEMBER', () => ['SISMEMBER', 'big', anyElement()]),
        range('SRANDMEMBER of 100', () => ['SRANDMEMBER', 'big', RANGE_ELEMENTS]),
      ],
    },
    {
      name: 'sorted set',
      build: Array.from(order, (n, at): Words => ['ZADD', 'big', (at * 7919) % count, elementOf(n)]),
      reads: [
        read('ZSCORE', () => ['ZSCORE', 'big', anyElement()]),
        read('ZRANK', () => ['ZRANK', 'big', anyElement()]),
        range('ZRANGE of 100', () => {
          const at = first();
          return ['ZRANGE', 'big', at, at + RANGE_ELEMENTS - 1];
        }),
        range('ZRANGEBYSCORE of 100', () => {
          const at = first();
          return ['ZRANGEBYSCORE', 'big', at, at + RANGE_ELEMENTS - 1];
        }),
      ],
    },
  ];
}

function stepsOf({ name, build, reads }: Kind): Step[] {
  const copy: Words = ['COPY', 'big', 'copy', 'REPLACE'];
  return [
    { name: `${name}: build`, prepare: [['DEL', 'big']], commands: build, goal: AS_FAST },
    ...reads.map((step) => ({ ...step, name: `${name}: ${step.name}` })),
    { name: `${name}: DEL`, prepare: [copy], commands: [['DEL', 'copy']], goal: AS_FAST },
  ];
}

/** Half of each set's members are in the other, too. */
function intersections(count: number): Step[] {
  const add = (key: string, shift: number): Words[] =>
    Array.from(shuffled(count, shift), (n): Words => ['SADD', key, elementOf(n + shift)]);
  const prepare: Words[] = [['FLUSHALL'], ...add('a', 0), ...add('b', count / 2)];
  return [
    { name: 'SINTER of two sets', prepare, commands: [['SINTER', 'a', 'b']], goal: AS_FAST },
    { name: 'SINTERSTORE of two sets', commands: [['SINTERSTORE', 'c', 'a', 'b']] },
    { name: 'SINTERCARD of two sets', commands: [['SINTERCARD', 2, 'a', 'b']] },
  ];
}

function smallHashes(): Words[] {
  return Array.from({ length: SMALL_HASHES }, (_, i): Words => {
    const fields = Array.from({ length: SMALL_FIELDS }, (_field, j) => [`field${j}`, `value${i + j}`]);
    return ['HSET', `hash:${String(i).padStart(6, '0')}`, ...fields.flat()];
  });
}

async function compareMemory(
  bench: Bench,
  clients: Clients,
  name: string,
  build: readonly Words[],
  elementCount: number,
): Promise<void> {
  const measure = async (client: BatchClient): Promise<Metrics> => {
    await client.run([['FLUSHALL']]);
    const before = await client.usedMemory();
    await client.run(build);
    return { bytesPerElement: ((await client.usedMemory()) - before) / elementCount };
  };
  const ours = await measure(clients.ours);
  const peer = await measure(clients.peer);
  bench.report({
    kind: 'result',
    scenario: 'large',
    case: `memory: ${name}`,
    peerName: 'redis-server',
    ...summarise([ours], [peer]),
    goals: [MEMORY],
  });
}

function elementOf(number: number): string {
  return `element:${String(number).padStart(12, '0')}`;
}

/** Numbers below `count` in a random order. */
function shuffled(count: number, seed: number): Int32Array {
  const random = new Prng(seed + 1);
  const numbers = Int32Array.from({ length: count }, (_, index) => index);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!];
  }
  return numbers;
}
