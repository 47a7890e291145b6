/** The hash family against redis-server: random commands over few keys, replies compared byte by byte. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, type Command, runDifferential } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { HASH_GENERATORS, isSameHash } from './hash-commands.ts';

const COMMANDS = 20_000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 2;
/** Entries and bytes up to which hashes are packed: everything, crossed now and then, crossed all the time, nothing. */
const LIMITS = [
  ['512', '64'],
  ['20', '64'],
  ['4', '12'],
  ['0', '0'],
] as const;

describe.skipIf(isOracleMissing('redis-server'))('hashes and redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  for (const version of [2, 3] as const) {
    test.each(LIMITS)(
      `give the same replies in RESP${version} with hashes of up to %s fields of %s bytes packed`,
      async (entries, valueBytes) => {
        const seed = chooseSeed();
        console.info(`seed ${seed} (set DIFFERENTIAL_SEED to run it again)`);
        const settings = {
          'hash-max-listpack-entries': entries,
          'hash-max-listpack-value': valueBytes,
        };
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
          generators: HASH_GENERATORS,
          oraclePort: oracle.port,
          server,
          prologue,
          isSame: isSameHash,
        });
        expect(server.client.connection.version).toBe(version);
        expect(server.engine.keyspace.keyCount(0)).toBeGreaterThan(0);
      },
      TIMEOUT_MS,
    );
  }
});
