/** The set family against redis-server: random commands over few keys, with every encoding of ours crossed. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, type Command, runDifferential } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';
import { isSameSetReply, setGenerators } from './set-commands.ts';

const COMMANDS = 20_000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 2;

const SETTINGS: Record<string, Record<string, string>> = {
  'as they come': {},
  'that small sets outgrow soon': {
    'set-max-intset-entries': '6',
    'set-max-listpack-entries': '12',
    'set-max-listpack-value': '10',
  },
  'without small sets': { 'set-max-intset-entries': '0', 'set-max-listpack-entries': '0' },
};

describe.skipIf(isOracleMissing('redis-server'))('sets and redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  for (const [name, settings] of Object.entries(SETTINGS)) {
    for (const version of [2, 3]) {
      test(
        `give the same replies in RESP${version} with settings ${name}`,
        async () => {
          const seed = chooseSeed();
          console.info(`seed ${seed} (set DIFFERENTIAL_SEED to run it again)`);
          const server = new TestServer({ settings });
          const intsetEntries = settings['set-max-intset-entries'] ?? '512';
          const prologue: Command[] = [
            ['FLUSHALL'],
            ['CONFIG', 'SET', 'set-max-intset-entries', intsetEntries],
            ['HELLO', version],
          ];
          const generators = setGenerators();
          // Redis 7.0 has fewer encodings, and where settings are low they differ too much.
          if (name === 'as they come')
            generators.push((random) => ['OBJECT', 'ENCODING', random.pick(['a', 'b', 'c'])]);
          await runDifferential({
            seed,
            commands: Math.ceil(chooseCommandCount(COMMANDS) / 6),
            generators,
            oraclePort: oracle.port,
            server,
            prologue,
            isSame: isSameSetReply,
          });
          expect(server.engine.keyspace.keyCount(0)).toBeGreaterThan(0);
        },
        TIMEOUT_MS,
      );
    }
  }
});
