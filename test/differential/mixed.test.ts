/**
 * Strings, keys and databases together against redis-server: the same few keys in four databases, some of them binary or
 * long, values up to more than a megabyte, and keys that expire within milliseconds. After each round everything that
 * both hold is compared.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  type Argument,
  chooseCommandCount,
  chooseSeed,
  type Command,
  type Generator,
  Random,
  runDifferential,
} from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { replyValue } from '../support/reply.ts';
import { TestServer } from '../support/test-server.ts';
import { GENERIC_KEYS, genericGenerators, isSameListing } from './generic-commands.ts';
import { STRING_GENERATORS } from './string-commands.ts';

const COMMANDS = 10_000;
const ROUND_COMMANDS = 2500;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 4;
const DATABASES = [0, 1, 2, 3];
const SHARD_BYTES = 512 << 20;
/** How soon the keys of a round's end expire, and how long to wait until they are gone on both sides. */
const SOON_MS = 40;
const GONE_MS = 60;

/** All keys of the mix: the string family's k0 to k11 become these. */
const KEYS: readonly Argument[] = [
  ...GENERIC_KEYS,
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  'long'.repeat(20_000),
];
const KEY_NUMBERS = new Map(KEYS.map((_key, index) => [`k${index}`, index]));
const LARGE_VALUES = [65_535, 65_536, 70_001, 300_000, 1_048_577].map((byteCount, index) =>
  Buffer.alloc(byteCount, `large${index}`),
);

/** The generator with its k0, k1... replaced. */
function overMixedKeys(generator: Generator): Generator {
  return (random) =>
    generator(random).map((argument) => {
      const number = typeof argument === 'string' ? KEY_NUMBERS.get(argument) : undefined;
      return number === undefined ? argument : KEYS[number]!;
    });
}

/** Now and then, so that the run is not one of copying alone. */
function largeCommand(random: Random): Command {
  const key = random.pick(KEYS);
  const at = random.between(-70_000, 1_100_000);
  switch (random.oneIn(8) ? random.below(6) : 6) {
    case 0:
      return ['SET', key, random.pick(LARGE_VALUES)];
    case 1:
      return ['APPEND', key, random.pick(LARGE_VALUES.slice(0, 3))];
    case 2:
      return ['SETRANGE', key, Math.abs(at), random.pick(LARGE_VALUES.slice(0, 3))];
    case 3:
      return ['MSET', random.pick(KEYS), random.pick(LARGE_VALUES), key, random.pick(LARGE_VALUES)];
    case 4:
      return ['DEL', ...KEYS];
    case 5:
      return ['MSETNX', random.pick(KEYS), random.pick(LARGE_VALUES), key, random.pick(LARGE_VALUES)];
    default:
      return ['GETRANGE', key, at, at + random.below(100_000)];
  }
}

/** For some keys, each once, a command that lets it expire soon, in every way there is. */
function expireSoon(random: Random): Command[] {
  const nowMs = Date.now();
  const condition = (): Argument[] => (random.oneIn(2) ? [] : [random.pick(['NX', 'XX', 'GT', 'LT'])]);
  return KEYS.filter(() => random.oneIn(2)).map((key) =>
    random.pick<Command>([
      ['SET', key, 'soon', 'PX', SOON_MS],
      ['SET', key, 'soon', 'PXAT', nowMs + SOON_MS],
      ['PSETEX', key, SOON_MS, 'soon'],
      ['GETEX', key, 'PX', SOON_MS],
      ['GETEX', key, 'PXAT', nowMs + SOON_MS],
      ['PEXPIRE', key, SOON_MS, ...condition()],
      ['PEXPIREAT', key, nowMs + SOON_MS, ...condition()],
    ]),
  );
}

/** What tells all that a server holds. The keys are read before they are counted: so the expired ones are gone. */
function questions(): Command[] {
  return DATABASES.flatMap((database) => [
    ['SELECT', database],
    ['KEYS', '*'],
    ...KEYS.flatMap((key): Command[] => [
      ['GET', key],
      ['PTTL', key],
      ['OBJECT', 'ENCODING', key],
    ]),
    ...['l0', 'l1', 'l2', 'l3'].map((key): Command => ['GET', key]),
    ['DBSIZE'],
  ]);
}

/** Every key that a whole SCAN of the selected database returns, each once. */
function scanAll(server: TestServer, random: Random): string[] {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = replyValue(server.run('SCAN', cursor, 'COUNT', random.between(1, 5))) as [
      string,
      string[],
    ];
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...found].toSorted();
}

/** Redis: a key set with a time that is past stays, and is counted, until something looks at it. */
function isSameMeanwhile(command: Command, ours: string, theirs: string): boolean {
  if (command[0] !== 'DBSIZE') return isSameListing(command, ours, theirs);
  return Number(theirs.slice(1)) > Number(ours.slice(1));
}

describe.skipIf(isOracleMissing('redis-server'))('strings, keys and databases together', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  test.each([2, 3])(
    'are the same as redis-server’s in RESP%d',
    async (version) => {
      const seed = chooseSeed();
      console.log(`seed ${seed}`);
      const random = new Random(seed);
      const server = new TestServer({ shardBytes: SHARD_BYTES });
      const generators = [
        ...STRING_GENERATORS.map(overMixedKeys),
        ...genericGenerators(),
        ...Array.from({ length: 3 }, () => largeCommand),
      ];
      const compare = (list: readonly Command[] | null, commands: number, round: number): Promise<void> => {
        let next = 0;
        return runDifferential({
          seed: random.below(2 ** 31),
          commands: list?.length ?? commands,
          generators: list === null ? generators : [() => list[next++]!],
          oraclePort: oracle.port,
          server,
          prologue: [...(round === 0 ? [['FLUSHALL']] : []), ['HELLO', version], ['SELECT', 0]],
          isSame: list === null ? isSameMeanwhile : isSameListing,
        });
      };
      const rounds = Math.ceil(chooseCommandCount(COMMANDS) / 2 / ROUND_COMMANDS);
      for (let round = 0; round < rounds; round++) {
        await compare(null, ROUND_COMMANDS, round);
        await compare(expireSoon(random), 0, rounds);
        await Bun.sleep(GONE_MS);
        await compare(questions(), 0, rounds);
        const listed = replyValue(server.run('KEYS', '*')) as string[];
        expect(scanAll(server, random)).toEqual(listed.toSorted());
      }
    },
    TIMEOUT_MS,
  );
});
