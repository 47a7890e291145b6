/** List commands against redis-server: random ones over few keys, replies compared byte by byte, whatever lists are made of. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, runDifferential } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { listGenerators } from './list-commands.ts';

const COMMANDS = 10_000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 4;

/** The defaults; nodes of 4 KiB; nodes of few elements; a node per element. */
const VARIANTS = [
  { version: 2, limit: -2 },
  { version: 3, limit: -1 },
  { version: 2, limit: 5 },
  { version: 3, limit: 0 },
] as const;

describe.skipIf(isOracleMissing('redis-server'))('list commands answer as redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  for (const { version, limit } of VARIANTS) {
    test(
      `in RESP${version} with list-max-listpack-size ${limit}`,
      async () => {
        const seed = chooseSeed();
        console.log(`seed ${seed}`);
        const server = new TestServer({ settings: { 'list-max-listpack-size': String(limit) } });
        await runDifferential({
          seed,
          commands: chooseCommandCount(COMMANDS),
          generators: listGenerators(),
          oraclePort: oracle.port,
          server,
          prologue: [['HELLO', version], ['FLUSHALL'], ['CONFIG', 'SET', 'list-max-listpack-size', limit]],
        });
        expect(server.run('DBSIZE')).toStartWith(':');
      },
      TIMEOUT_MS,
    );
  }
});
