/** Random scripts of commands about the connection get byte for byte the replies that redis-server gives. */

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Prng } from '../support/prng.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { RealClient } from '../support/real-server.ts';
import { encodeRequest, TestServer } from '../support/test-server.ts';

const SCRIPTS = 40;
const REQUESTS = 150;
const END = 'end of script';

/** Requests whose replies do not depend on the server's version, its clients' ids or the time. */
const REQUEST_POOL = [
  'PING|PING x|PING x y|ECHO|ECHO x|ECHO x y|GET nokey|NOSUCH|NOSUCH a b',
  'AUTH|AUTH x|AUTH default x|AUTH nobody x|AUTH a b c',
  'HELLO x|HELLO 1|HELLO 4|HELLO 2 FOO|HELLO 2 AUTH a|HELLO 2 SETNAME|HELLO 3 AUTH nobody x|HELLO 9223372036854775808',
  'SELECT|SELECT 0|SELECT 1|SELECT 15|SELECT 16|SELECT -1|SELECT x|SELECT 01|SELECT 2147483648|SELECT 9223372036854775807',
  'SELECT 9223372036854775808|RESET|RESET x|CLIENT|CLIENT FOO|CLIENT ID x|CLIENT GETNAME|CLIENT GETNAME x',
  'CLIENT SETNAME|CLIENT SETNAME me|CLIENT SETNAME m~!|CLIENT SETNAME \x7f|CLIENT SETNAME é|CLIENT SETNAME a b',
  'CLIENT LIST FOO|CLIENT LIST TYPE|CLIENT LIST TYPE foo|CLIENT LIST TYPE pubsub|CLIENT LIST TYPE slave',
  'CLIENT LIST ID|CLIENT LIST ID x|CLIENT LIST ID 0|CLIENT LIST ID 99999 88888|CLIENT LIST ID 1.5|CLIENT INFO x',
  'CLIENT KILL|CLIENT KILL 1.2.3.4:5|CLIENT KILL ID|CLIENT KILL ID 99999|CLIENT KILL ID 0|CLIENT KILL ID -1',
  'CLIENT KILL ID x|CLIENT KILL ID 99999 FOO|CLIENT KILL ID 99999 FOO x|CLIENT KILL ADDR 1.2.3.4:5 LADDR x',
  'CLIENT KILL TYPE foo|CLIENT KILL TYPE pubsub|CLIENT KILL TYPE replica SKIPME no|CLIENT KILL SKIPME maybe',
  'CLIENT KILL USER nobody|CLIENT KILL USER default ID 99999|CLIENT REPLY|CLIENT REPLY ON|CLIENT REPLY OFF',
  'CLIENT REPLY SKIP|CLIENT REPLY skip|CLIENT REPLY x|CLIENT NO-EVICT|CLIENT NO-EVICT ON|CLIENT NO-EVICT x',
  'CLIENT PAUSE|CLIENT PAUSE x|CLIENT PAUSE -1|CLIENT PAUSE 1 x|CLIENT PAUSE 99999999999999999999|CLIENT UNPAUSE',
]
  .join('|')
  .split('|')
  .map((request) => request.split(' '));

describe.skipIf(isOracleMissing('redis-server'))('the connection family and redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  test('agree on random scripts', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const prng = new Prng(seed);
    expect(REQUEST_POOL.length).toBeGreaterThan(80);
    for (let script = 0; script < SCRIPTS; script++) {
      const requests = Array.from({ length: REQUESTS }, () => REQUEST_POOL[prng.below(REQUEST_POOL.length)]!);
      const input = Buffer.concat([
        ...[...requests, ['CLIENT', 'REPLY', 'ON']].map(encodeRequest),
        encodeRequest(['ECHO', END]),
      ]);
      const ours = await runHere(input);
      const theirs = await runThere(oracle.port, input);
      if (ours !== theirs) {
        throw new Error(`seed ${seed}, script ${script}: ${firstDifference(ours, theirs)}`);
      }
    }
  });
});

async function runHere(input: Buffer): Promise<string> {
  const { client } = new TestServer();
  client.send(input);
  for (let turn = 0; !client.socket.output.includes(END) && turn < 1000; turn++) await Bun.sleep(1);
  return client.socket.output;
}

async function runThere(port: number, input: Buffer): Promise<string> {
  const client = await RealClient.open(port);
  client.socket.write(input);
  await client.until(() => client.received.includes(END));
  client.close();
  return client.received;
}

function firstDifference(ours: string, theirs: string): string {
  let at = 0;
  while (ours[at] === theirs[at]) at++;
  const part = (text: string): string => JSON.stringify(text.slice(Math.max(at - 200, 0), at + 100));
  return `ours ${part(ours)}, theirs ${part(theirs)}`;
}
