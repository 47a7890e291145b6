/**
 * All families over the same few keys against redis-server, with strings, keys of any type, SORT and databases among
 * them: values that change their type, and commands that meet the wrong one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, runDifferential } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { allGenerators, isSameOfAll } from './all-commands.ts';

const COMMANDS = 12_000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 4;

describe.skipIf(isOracleMissing('redis-server'))('all types together answer as redis-server', () => {
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
        const server = new TestServer({ shardBytes: 512 << 20 });
        await runDifferential({
          seed,
          commands: chooseCommandCount(COMMANDS),
          generators: allGenerators(),
          oraclePort: oracle.port,
          server,
          prologue: [['HELLO', version], ['FLUSHALL']],
          isSame: isSameOfAll,
        });
        expect(server.run('PING')).toBe('+PONG\r\n');
      },
      TIMEOUT_MS,
    );
  }
});
