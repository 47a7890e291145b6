/**
 * Commands of all families against redis-server, one by one, in transactions and in scripts, over the same few keys. What a
 * transaction replies is compared element by element by its kind; what it did shows in what is read behind it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  chooseCommandCount,
  chooseSeed,
  type Command,
  type Generator,
  isSameTime,
  runDifferential,
} from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { parseReply, type Reply } from '../support/reply.ts';
import { TestServer } from '../support/test-server.ts';
import { allGenerators, isSameOfAll } from './all-commands.ts';

const COMMANDS = 8000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 4;
const SCRIPT = 'return redis.call(unpack(ARGV))';
/** Redis 7.0 does not let scripts ask for what may block, and has no limits on what scripts unpack that ours lacks. */
const MAY_BLOCK = /^(B|SELECT$|SWAPDB$|FLUSH)/i;

const inScript =
  (generator: Generator): Generator =>
  (random) => {
    const command = generator(random);
    return MAY_BLOCK.test(String(command[0])) ? command : ['EVAL', SCRIPT, 0, ...command];
  };

function isSame(command: Command, ours: string, theirs: string): boolean {
  if (command[0] === 'EVAL') {
    const asked = command.slice(3);
    return isSameTime(asked, ours, theirs) || isSameOfAll(asked, ours, theirs);
  }
  if (command[0] !== 'EXEC') return isSameOfAll(command, ours, theirs);
  const [ourValue, theirValue] = [parseReply(ours)!.value, parseReply(theirs)!.value];
  return JSON.stringify(kindsOf(ourValue)) === JSON.stringify(kindsOf(theirValue));
}

function kindsOf(value: Reply): unknown {
  if (!Array.isArray(value)) return kindOf(value);
  return value.map((element) => kindOf(element));
}

function kindOf(value: Reply): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? `array of ${value.length}` : typeof value;
}

describe.skipIf(isOracleMissing('redis-server'))('transactions and scripts of all types', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  for (const version of [2, 3] as const) {
    test(
      `answer as redis-server in RESP${version}`,
      async () => {
        const seed = chooseSeed();
        console.log(`seed ${seed}`);
        const generators = allGenerators();
        const server = new TestServer({ shardBytes: 512 << 20 });
        await runDifferential({
          seed,
          commands: chooseCommandCount(COMMANDS),
          generators: [
            ...generators,
            ...generators.map(inScript),
            () => ['MULTI'],
            () => ['EXEC'],
            () => ['EXEC'],
            (random) => ['WATCH', random.pick(['key0', 'key1', 'key2'])],
            (random) => [random.pick(['DISCARD', 'UNWATCH'])],
          ],
          oraclePort: oracle.port,
          server,
          prologue: [['HELLO', version], ['FLUSHALL']],
          isSame,
        });
        expect(server.run('DISCARD')).toBeDefined();
      },
      TIMEOUT_MS,
    );
  }
});
