/** Commands of all families over the same few keys: values that change their type, and commands that meet the wrong one. */
import type { Command, Generator } from '../support/differential.ts';
import { genericGenerators, isSameListing } from './generic-commands.ts';
import { HASH_GENERATORS, isSameHash } from './hash-commands.ts';
import { listGenerators } from './list-commands.ts';
import { isSameSetReply, setGenerators } from './set-commands.ts';
import { isSameOutcome, SORTED_SET_GENERATORS } from './sorted-set-commands.ts';
import { STRING_GENERATORS } from './string-commands.ts';

const KEYS = Array.from({ length: 8 }, (_, index) => `key${index}`);
/** Keys that the families' own commands use; here they stand for those above. */
const FAMILY_KEYS =
  'l list q {t}a long {t}long a b c d e many big1 big2 k0 k1 k2 k3 k4 k5 t0 t1 d0 h0 h1 h2 h3 h4 h5 key'.split(
    ' ',
  );
const SHARED = new Map(FAMILY_KEYS.map((name, index) => [name, KEYS[index % KEYS.length]!]));

/** SPOP, where chance decides what stays, is left out: other commands here would see what it leaves. */
function overSharedKeys(generator: Generator): Generator {
  return (random) => {
    for (;;) {
      const drawn = generator(random);
      if (drawn.includes('pop') || drawn[0] === 'SPOP' || isByText(drawn)) continue;
      // Our small sets come whole at once; what Redis 7.0 keeps in a table comes in pieces of COUNT.
      const isScan = drawn[0] === 'SSCAN' && !drawn.includes('COUNT');
      const command = isScan ? [...drawn, 'COUNT', '10000'] : drawn;
      return command.map((part) => (typeof part === 'string' ? (SHARED.get(part) ?? part) : part));
    }
  };
}

/**
 * Redis leaves open what a range by text gives where scores differ, and finds another start in a tree than in a packed
 * set. Here they differ; the sorted sets' own test has such ranges where they do not.
 */
function isByText(command: Command): boolean {
  return command.some((part) => /^(BYLEX|Z\w*LEX\w*)$/i.test(String(part)));
}

/** Often enough that every key has been of every type before long. */
const remove: Generator = (random) => ['DEL', random.pick(KEYS), random.pick(KEYS)];
const encoding: Generator = (random) => ['OBJECT', 'ENCODING', random.pick(KEYS)];
const move: Generator = (random) =>
  random.pick<Command>([
    ['RENAME', random.pick(KEYS), random.pick(KEYS)],
    ['COPY', random.pick(KEYS), random.pick(KEYS), 'REPLACE'],
    ['COPY', random.pick(KEYS), random.pick(KEYS), 'DB', random.below(3)],
    ['MOVE', random.pick(KEYS), random.below(3)],
    ['SCAN', 0, 'COUNT', 10_000, 'TYPE', random.pick(['string', 'list', 'set', 'zset', 'hash'])],
  ]);

/**
 * By text only: by number Redis fails where an earlier command has left an error of range behind (errno is not reset).
 * Stored only: else Redis compares up to the first zero byte. What has several values per element goes to a key that is
 * not sorted again, or it would double every time.
 */
const sort: Generator = (random) => {
  const command = ['SORT', random.pick(KEYS), 'ALPHA', ...(random.oneIn(2) ? ['DESC'] : [])];
  if (random.oneIn(2)) command.push('LIMIT', `${random.between(-1, 3)}`, `${random.between(-1, 6)}`);
  if (random.oneIn(2)) return [...command, 'STORE', random.pick(KEYS)];
  return [...command, 'GET', '#', 'GET', random.pick(['key*', 'key*->a', 'h*->f1']), 'STORE', 'sorted'];
};
const readSorted: Generator = () => ['LRANGE', 'sorted', 0, -1];

/** What Redis 7.0 called the encodings that are packed today, and what its SORT makes of every sorted set it meets. */
const OLDER_NAMES = new Set(['quicklist', 'hashtable', 'skiplist']);

/** Whether two replies that are not the same bytes say the same. */
export function isSameOfAll(command: Command, ours: string, theirs: string): boolean {
  if (command[0] === 'OBJECT') {
    return ours.endsWith('listpack\r\n') && OLDER_NAMES.has(theirs.split('\r\n')[1] ?? '');
  }
  // Redis goes on counting a key that was set with a time already past, until somebody looks at it.
  if (command[0] === 'DBSIZE') return Number(ours.slice(1)) <= Number(theirs.slice(1));
  const judges = [isSameListing, isSameSetReply, isSameHash, isSameOutcome];
  return judges.some((judge) => judge(command, ours, theirs));
}

/** Each draws a command of one family over the few keys that all share. */
export function allGenerators(): Generator[] {
  const families = [
    listGenerators(),
    setGenerators(),
    HASH_GENERATORS,
    SORTED_SET_GENERATORS,
    STRING_GENERATORS,
    [sort, sort, readSorted],
    genericGenerators(),
  ].map((family) => overSharedKeys((random) => random.pick(family)(random)));
  return [...families, remove, remove, move, encoding];
}
