/** The whole server but for sockets: requests as bytes in, replies as bytes out, through connection, reader, dispatcher
 *  and keyspace. What is left of a command's cost when the kernel's share is taken away. */

import { SHARD_BYTES } from '../../src/memory/shard.ts';
import { Prng } from '../../test/support/prng.ts';
import type { ClientSocket } from '../../src/server/clients/connection.ts';
import { MemcachedConnection } from '../../src/server/memcached/connection.ts';
import { RespConnection } from '../../src/server/clients/resp-connection.ts';
import { encodeRequest, TestServer } from '../../test/support/test-server.ts';
import { runVariants, type Prepare } from '../micro.ts';

const VALUE = Buffer.alloc(32, 'x');
/** Chunks go round; so many that the branch predictor cannot learn them. */
const REQUEST_COUNT = 65536;
const REQUESTS_PER_RUN = 4096;

const socket: ClientSocket = {
  write: (_data, _at, byteCount) => byteCount ?? 0,
  end: () => 0,
  terminate: () => {},
  pause: () => {},
  resume: () => {},
  remoteAddress: '127.0.0.1',
};

function keyName(number: number): string {
  return `key:${String(number).padStart(12, '0')}`;
}

function serve(command: 'GET' | 'SET', pipeline: number, keyCount: number): Prepare {
  return () => {
    const server = new TestServer({
      shardCount: 32,
      shardBytes: SHARD_BYTES,
      settings: { maxmemory: '8gb' },
    });
    const connection = new RespConnection(server.engine, socket, '127.0.0.1:1', '127.0.0.1:2');
    for (let i = 0; i < keyCount; i++) connection.receive(encodeRequest(['SET', keyName(i), VALUE]));
    const random = new Prng(keyCount);
    const chunks = Array.from({ length: REQUEST_COUNT / pipeline }, () =>
      Buffer.concat(
        Array.from({ length: pipeline }, () => {
          const name = keyName(random.below(keyCount));
          return encodeRequest(command === 'GET' ? ['GET', name] : ['SET', name, VALUE]);
        }),
      ),
    );
    let next = 0;
    function run(): number {
      for (let i = 0; i < REQUESTS_PER_RUN / pipeline; i++) {
        connection.receive(chunks[next]!);
        next = (next + 1) % chunks.length;
      }
      return connection.outputBytes;
    }
    return { run, operationCount: REQUESTS_PER_RUN };
  };
}

/** The same over memcached's text protocol. */
function serveMemcached(command: 'get' | 'set', pipeline: number, keyCount: number): Prepare {
  return () => {
    const server = new TestServer({
      shardCount: 32,
      shardBytes: SHARD_BYTES,
      settings: { maxmemory: '8gb' },
    });
    const connection = new MemcachedConnection(server.engine, socket, '127.0.0.1:1', '127.0.0.1:2');
    const request = (name: string, isGet: boolean): string =>
      isGet ? `get ${name}\r\n` : `set ${name} 0 0 ${VALUE.length}\r\n${VALUE}\r\n`;
    for (let i = 0; i < keyCount; i++) connection.receive(Buffer.from(request(keyName(i), false)));
    const random = new Prng(keyCount);
    const chunks = Array.from({ length: REQUEST_COUNT / pipeline }, () =>
      Buffer.from(
        Array.from({ length: pipeline }, () =>
          request(keyName(random.below(keyCount)), command === 'get'),
        ).join(''),
      ),
    );
    let next = 0;
    function run(): number {
      for (let i = 0; i < REQUESTS_PER_RUN / pipeline; i++) {
        connection.receive(chunks[next]!);
        next = (next + 1) % chunks.length;
      }
      return connection.outputBytes;
    }
    return { run, operationCount: REQUESTS_PER_RUN };
  };
}

const variants: Record<string, Prepare> = {};
for (const keyCount of [1_000, 100_000, 1_000_000]) {
  for (const pipeline of [1, 16, 64]) {
    for (const command of ['GET', 'SET'] as const) {
      variants[`${command}, pipeline ${pipeline}, ${keyCount} keys`] = serve(command, pipeline, keyCount);
    }
    for (const command of ['get', 'set'] as const) {
      variants[`memcached ${command}, pipeline ${pipeline}, ${keyCount} keys`] = serveMemcached(
        command,
        pipeline,
        keyCount,
      );
    }
  }
}
await runVariants('dispatch', variants);
