/** The differential test of one family of commands whose replies are always the same bytes as redis-server's. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  chooseCommandCount,
  chooseSeed,
  type Command,
  type Generator,
  runDifferential,
} from './differential.ts';
import { isOracleMissing, type Oracle, startOracle } from './oracles.ts';
import { TestServer } from './test-server.ts';

const COMMANDS = 20_000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 2;

/** Registers the test: half of the commands in RESP2, half in RESP3. `family` is how it is called, in the plural. */
export function compareFamily(family: string, generators: readonly Generator[]): void {
  describe.skipIf(isOracleMissing('redis-server'))(`${family} and redis-server`, () => {
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
        await runDifferential({ seed, commands, generators, oraclePort: oracle.port, server, prologue });
        expect(server.client.connection.version).toBe(version);
        expect(server.engine.keyspace.keyCount(0)).toBeGreaterThan(0);
      },
      TIMEOUT_MS,
    );
  });
}
