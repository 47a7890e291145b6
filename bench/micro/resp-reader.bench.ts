/** Finding the arguments of pipelined requests. */

import { Bytes } from '../../src/base/bytes.ts';
import { RespReader } from '../../src/protocol/resp-reader.ts';
import { runVariants, type Prepare } from '../micro.ts';

const REQUEST_COUNT = 64;

function request(...parts: string[]): string {
  return `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`;
}

/** Reads `text` over and over as one pipeline. */
function read(text: string): Prepare {
  return () => {
    const input = Bytes.fromText(text.repeat(REQUEST_COUNT));
    const endAt = input.u8.length;
    const reader = new RespReader(input);
    function run(): number {
      let argumentCount = 0;
      for (let at = 0; at < endAt;) {
        const next = reader.read(input, at, endAt);
        if (next <= at) throw new Error(`refused at ${at}: ${reader.error}`);
        argumentCount += reader.count;
        at = next;
      }
      return argumentCount;
    }
    return { run, operationCount: REQUEST_COUNT };
  };
}

const key = 'key:000000012345';
const value = 'x'.repeat(32);

await runVariants('resp-reader', {
  GET: read(request('GET', key)),
  'SET 32 bytes': read(request('SET', key, value)),
  'SET 4 KiB': read(request('SET', key, 'x'.repeat(4096))),
  'MSET 10 keys': read(request('MSET', ...Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? key : value)))),
  'inline PING': read('PING\r\n'),
});
