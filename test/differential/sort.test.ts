/** SORT against redis-server: random ones over few keys, replies compared byte by byte. */
import { afterAll, beforeAll, describe, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, runDifferential } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { isSameSorted, sortGenerators } from './sort-commands.ts';

const COMMANDS = 10_000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 2;

describe.skipIf(isOracleMissing('redis-server'))('SORT answers as redis-server', () => {
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
        await runDifferential({
          seed,
          commands: chooseCommandCount(COMMANDS),
          generators: sortGenerators(),
          oraclePort: oracle.port,
          prologue: [['HELLO', version], ['FLUSHALL']],
          isSame: isSameSorted,
        });
      },
      TIMEOUT_MS,
    );
  }
});
