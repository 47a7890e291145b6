/** Whatever bytes come in on the memcached port, the server stays up and its checker clean. SEED repeats a run. */
import { expect, test } from 'bun:test';
import { Prng } from '../support/prng.ts';
import { TestServer } from '../support/test-server.ts';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const CONNECTIONS = 300;
const PIECES_MAX = 40;
const CHUNK_BYTES_MAX = 200;

/** Pieces that lead deep into the parser; random bytes go between them. */
const PIECES = [
  'get ',
  'gets ',
  'gat ',
  'gats ',
  'set ',
  'add ',
  'replace ',
  'append ',
  'prepend ',
  'cas ',
  'incr ',
  'decr ',
  'touch ',
  'delete ',
  'flush_all ',
  'stats ',
  'stats reset',
  'verbosity ',
  'version',
  'mg ',
  'ms ',
  'md ',
  'ma ',
  'me ',
  'mn',
  'quit',
  'a ',
  'b ',
  'key ',
  '0 ',
  '1 ',
  '5 ',
  '-1 ',
  '100 ',
  '2147483645 ',
  '2147483646 ',
  '18446744073709551615 ',
  '1e9 ',
  'noreply',
  ' ',
  '\r\n',
  '\r\n',
  '\r\n',
  '\n',
  '\0',
  'v ',
  'k ',
  'b ',
  'q ',
  't ',
  'c ',
  'f ',
  's ',
  'h ',
  'l ',
  'u ',
  'I ',
  'T30 ',
  'N30 ',
  'R30 ',
  'C1 ',
  'E7 ',
  'F1 ',
  'MA ',
  'MP ',
  'ME ',
  'MD ',
  'D5 ',
  'J5 ',
  'Oxyz ',
  'YQ== ',
  'x\r\n',
  'hello\r\n',
];

test(`random bytes leave the server whole (seed ${SEED})`, async () => {
  const prng = new Prng(SEED);
  const server = new TestServer();
  for (let connection = 0; connection < CONNECTIONS; connection++) {
    const client = server.connectMemcached();
    const parts: Buffer[] = [];
    for (let piece = prng.below(PIECES_MAX); piece >= 0; piece--) {
      const isNoise = prng.below(12) === 0;
      const noise = Buffer.from(Array.from({ length: prng.below(20) }, () => prng.below(256)));
      parts.push(isNoise ? noise : Buffer.from(PIECES[prng.below(PIECES.length)]!, 'latin1'));
    }
    const bytes = Buffer.concat(parts);
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + prng.below(CHUNK_BYTES_MAX);
      client.send(bytes.subarray(at, end));
      at = end;
    }
    if (connection % 50 === 0) server.verify();
    client.connection.onClose();
  }
  await Bun.sleep(0);
  server.verify();
  expect(server.connectMemcached().send('mn\r\n')).toBe('MN\r\n');
});
