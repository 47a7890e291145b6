/** The family of streams against redis-server: random commands over few keys, replies compared byte by byte. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, type Command, runDifferential } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { isSameStream, STREAM_GENERATORS } from './stream-commands.ts';

const COMMANDS = 20_000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 2;
/** Entries of a node: Redis' default, nodes that come and go all the time. How many bytes it has is another packing's. */
const NODE_ENTRIES = ['100', '3'] as const;

describe.skipIf(isOracleMissing('redis-server'))('streams and redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  for (const version of [2, 3] as const) {
    test.each(NODE_ENTRIES)(
      `give the same replies in RESP${version} with %s entries a node`,
      async (entries) => {
        const seed = chooseSeed();
        console.info(`seed ${seed} (set DIFFERENTIAL_SEED to run it again)`);
        const settings = { 'stream-node-max-entries': entries, 'stream-node-max-bytes': '0' };
        const server = new TestServer({ settings });
        const prologue: Command[] = [
          ['FLUSHALL'],
          ['HELLO', version],
          ['CONFIG', 'SET', ...Object.entries(settings).flat()],
          ['SET', 'string', 'text'],
        ];
        await runDifferential({
          seed,
          commands: Math.ceil(chooseCommandCount(COMMANDS) / 4),
          generators: STREAM_GENERATORS,
          oraclePort: oracle.port,
          server,
          prologue,
          isSame: isSameStream,
        });
        expect(server.client.connection.version).toBe(version);
        expect(server.engine.keyspace.keyCount(0)).toBeGreaterThan(0);
      },
      TIMEOUT_MS,
    );
  }
});
