/** Commands of collections, and MSET, through the whole server but for sockets: what each costs when the kernel's share, which
 *  is most of it at pipeline 16, is taken away. Elements are drawn anew for each request. */

import { SHARD_BYTES } from '../../src/memory/shard.ts';
import type { ClientSocket } from '../../src/server/clients/connection.ts';
import { RespConnection } from '../../src/server/clients/resp-connection.ts';
import { Prng } from '../../test/support/prng.ts';
import { encodeRequest, TestServer } from '../../test/support/test-server.ts';
import { runVariants, type Prepare } from '../micro.ts';

const PIPELINE = 16;
/** Chunks go round; so many that the branch predictor cannot learn them. */
const CHUNK_COUNT = 2048;
const CHUNKS_PER_RUN = 64;
const FILL_CHUNK = 1000;

const socket: ClientSocket = {
  write: (_data, _at, byteCount) => byteCount ?? 0,
  end: () => 0,
  terminate: () => {},
  pause: () => {},
  resume: () => {},
  remoteAddress: '127.0.0.1',
};

type Parts = readonly (string | number)[];
/** The request for element number `i`. */
type Draw = (i: number) => Parts;

interface Case {
  readonly elementCount: number;
  /** Run for every element before anything is measured. */
  readonly fill?: Draw;
  /** A request of each in turn makes the pipeline. */
  readonly commands: readonly Draw[];
}

const element = (i: number): string => `element:${String(i).padStart(12, '0')}`;
const key = (i: number): string => `key:${String(i).padStart(12, '0')}`;

function serve({ elementCount, fill, commands }: Case): Prepare {
  return () => {
    const server = new TestServer({
      shardCount: 32,
      shardBytes: SHARD_BYTES,
      settings: { maxmemory: '8gb' },
    });
    const connection = new RespConnection(server.engine, socket, '127.0.0.1:1', '127.0.0.1:2');
    for (let first = 0; fill !== undefined && first < elementCount; first += FILL_CHUNK) {
      const count = Math.min(FILL_CHUNK, elementCount - first);
      const requests = Array.from({ length: count }, (_, i) => encodeRequest(fill(first + i)));
      connection.receive(Buffer.concat(requests));
    }
    const random = new Prng(elementCount);
    const chunks = Array.from({ length: CHUNK_COUNT }, () =>
      Buffer.concat(
        Array.from({ length: PIPELINE }, (_, i) =>
          encodeRequest(commands[i % commands.length]!(random.below(elementCount))),
        ),
      ),
    );
    let next = 0;
    function run(): number {
      for (let i = 0; i < CHUNKS_PER_RUN; i++) {
        connection.receive(chunks[next]!);
        next = (next + 1) % CHUNK_COUNT;
      }
      return connection.outputBytes;
    }
    return { run, operationCount: CHUNKS_PER_RUN * PIPELINE };
  };
}

const pairs = (i: number): Parts => Array.from({ length: 10 }, (_, n) => [key(i + n), 'VXK']).flat();
const push: Draw = () => ['RPUSH', 'list', 'VXK'];
const addMember: Draw = (i) => ['SADD', 'set', element(i)];
const setField: Draw = (i) => ['HSET', 'hash', element(i), 'VXK'];
const addScored: Draw = (i) => ['ZADD', 'sorted', i, element(i)];

const variants: Record<string, Prepare> = {
  'LPUSH and RPOP': serve({
    elementCount: 1000,
    fill: push,
    commands: [() => ['LPUSH', 'list', 'VXK'], () => ['RPOP', 'list']],
  }),
  'SADD and SPOP': serve({
    elementCount: 100_000,
    fill: addMember,
    commands: [addMember, () => ['SPOP', 'set']],
  }),
  'ZADD and ZPOPMIN': serve({
    elementCount: 100_000,
    fill: addScored,
    commands: [addScored, () => ['ZPOPMIN', 'sorted']],
  }),
};
for (const count of [100, 600]) {
  const range: Draw = () => ['LRANGE', 'list', 0, count - 1];
  variants[`LRANGE of ${count}`] = serve({ elementCount: 1000, fill: push, commands: [range] });
}
for (const elementCount of [1, 100, 100_000]) {
  const of = `, ${elementCount} elements`;
  variants[`MSET of 10${of}`] = serve({ elementCount, commands: [(i) => ['MSET', ...pairs(i)]] });
  variants[`SADD${of}`] = serve({ elementCount, fill: addMember, commands: [addMember] });
  variants[`HSET${of}`] = serve({ elementCount, fill: setField, commands: [setField] });
  variants[`HGET${of}`] = serve({
    elementCount,
    fill: setField,
    commands: [(i) => ['HGET', 'hash', element(i)]],
  });
  variants[`ZADD${of}`] = serve({ elementCount, fill: addScored, commands: [addScored] });
  variants[`ZRANK${of}`] = serve({
    elementCount,
    fill: addScored,
    commands: [(i) => ['ZRANK', 'sorted', element(i)]],
  });
}
await runVariants('collections', variants);
