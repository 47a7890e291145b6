/** Generic and database commands against redis-server: random ones over few keys, replies compared byte by byte. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, runDifferential } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { dumpGenerators, genericGenerators, isSameListing } from './generic-commands.ts';

const COMMANDS = 20_000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 2;

describe.skipIf(isOracleMissing('redis-server'))('generic commands answer as redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  for (const version of [2, 3] as const) {
    test(
      `in RESP${version}`,
      async () => {
        const seed = chooseSeed();
        console.log(`seed ${seed}`);
        const server = new TestServer();
        await runDifferential({
          seed,
          commands: chooseCommandCount(COMMANDS),
          generators: [...genericGenerators(), ...dumpGenerators()],
          oraclePort: oracle.port,
          server,
          prologue: [['HELLO', version], ['FLUSHALL']],
          isSame: isSameListing,
        });
        expect(server.run('DBSIZE')).toStartWith(':');
      },
      TIMEOUT_MS,
    );
  }
});
