/** The sorted set family against redis-server: random commands over few keys, replies compared byte by byte. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, type Command, runDifferential } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { isSameOutcome, SORTED_SET_GENERATORS, SORTED_SET_PROLOGUE } from './sorted-set-commands.ts';

const COMMANDS = 20_000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 2;
/** Thresholds of the packed encoding, one after the other over the same keys: entries, and bytes of a member. */
const THRESHOLDS = [
  [128, 64],
  [8, 20],
  [24, 3],
  [0, 64],
  [128, 64],
] as const;

describe.skipIf(isOracleMissing('redis-server'))('sorted sets and redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  test.each([2, 3])(
    'give the same replies in RESP%d',
    async (version) => {
      const seed = chooseSeed();
      console.info(`seed ${seed} (set DIFFERENTIAL_SEED to run it again)`);
      const server = new TestServer();
      for (const [phase, [entries, byteCount]] of THRESHOLDS.entries()) {
        const prologue: Command[] = [
          ['HELLO', version],
          ['CONFIG', 'SET', 'zset-max-listpack-entries', entries],
          ['CONFIG', 'SET', 'zset-max-listpack-value', byteCount],
        ];
        if (phase === 0) prologue.unshift(['FLUSHALL'], ...SORTED_SET_PROLOGUE);
        await runDifferential({
          seed: seed + phase,
          commands: Math.ceil(chooseCommandCount(COMMANDS) / 2 / THRESHOLDS.length),
          generators: SORTED_SET_GENERATORS,
          oraclePort: oracle.port,
          server,
          prologue,
          isSame: isSameOutcome,
        });
        expect(server.engine.keyspace.packedLimits.sortedSetEntries).toBe(entries);
      }
      expect(server.client.connection.version).toBe(version);
      expect(server.engine.keyspace.keyCount(0)).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
