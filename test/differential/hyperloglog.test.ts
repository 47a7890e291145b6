/** HyperLogLogs against redis-server: random commands over few keys, replies compared byte by byte. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, type Command, runDifferential } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { HYPERLOGLOG_GENERATORS } from './hyperloglog-commands.ts';

const COMMANDS = 20_000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 2;

describe.skipIf(isOracleMissing('redis-server'))('HyperLogLogs and redis-server', () => {
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
      const commands = chooseCommandCount(COMMANDS) / 2;
      const prologue: Command[] = [['FLUSHALL'], ['HELLO', version]];
      await runDifferential({
        seed,
        commands,
        generators: HYPERLOGLOG_GENERATORS,
        oraclePort: oracle.port,
        server,
        prologue,
      });
      expect(server.client.connection.version).toBe(version);
      expect(server.engine.keyspace.keyCount(0)).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
