/** Random commands on sets. Where chance or order decides a reply, its shape is compared, and its members as a set. */
import type { Argument, Command, Generator, Random } from '../support/differential.ts';
import { parseReply, type Reply } from '../support/reply.ts';

const SETS = ['a', 'b', 'c', 'd', 'e', 'many'];
/** Never a set. */
const OTHERS = ['missing', 'text'];
const BIG_SETS = ['big1', 'big2', 'big3'];
const ANY = [...SETS, ...SETS, ...OTHERS];
const INTEGERS = ['0', '1', '-1', '7', '100', '-32768', '32768', '2147483648', '9223372036854775807'];
const TEXTS = ['', 'x', '00', '-0', '+1', '1.0', 'ключ', '\0\r\n', 'y'.repeat(11), 'z'.repeat(65), '1e3'];
const NUMBERS = ['0', '1', '3', '100', '-1', '-5', '', 'x', '1.5', ' 1', '99999999999999999999'];
const EDGES = ['9223372036854775807', '-9223372036854775807', '-9223372036854775808'];
const CURSORS = ['0', '', 'x', '-', '18446744073709551616', ' 1', '00'];
const SCAN_WORDS = ['MATCH', 'COUNT', 'match', '*', 'x*', '1*', '1000', '0', 'x', 'TYPE', 'set', 'NOVALUES'];
const LISTINGS = new Set(['SMEMBERS', 'SINTER', 'SUNION', 'SDIFF', 'SSCAN', 'SPOP', 'SRANDMEMBER']);
const TOO_SHORT = ['SADD', 'SREM', 'SINTER', 'SINTERCARD', 'SUNIONSTORE', 'SMOVE', 'SSCAN', 'SMISMEMBER'];

function member(random: Random): string {
  switch (random.below(5)) {
    case 0:
      return random.pick(INTEGERS);
    case 1:
      return random.pick(TEXTS);
    case 2:
      return `m${random.below(30)}`;
    default:
      return String(random.between(-20, 40));
  }
}

function members(random: Random, countMax: number): string[] {
  const ofIntegers = random.oneIn(2);
  const draw = (): string => (ofIntegers ? String(random.between(-20, 40)) : member(random));
  return Array.from({ length: random.between(1, countMax) }, draw);
}

function keys(random: Random, countMax: number): string[] {
  return Array.from({ length: random.between(1, countMax) }, () => random.pick(ANY));
}

/** Numbers that no server tries to reply so many members for. */
function safeCount(random: Random): string {
  return random.oneIn(20) ? random.pick(['-9223372036854775808', 'x', '']) : random.pick(NUMBERS);
}

/** Chance decides which members a SPOP leaves, so it is drawn in scripts that end with the key gone. */
function popScripts(): Generator {
  let script: Command[] = [];
  return (random) => {
    if (script.length === 0) script = popScript(random);
    return script.shift()!;
  };
}

function popScript(random: Random): Command[] {
  const all = members(random, random.pick([1, 5, 60]));
  return [
    ['DEL', 'pop'],
    ['SADD', 'pop', ...all],
    ['SRANDMEMBER', 'pop', random.pick(NUMBERS)],
    ['SPOP', 'pop'],
    ['SPOP', 'pop', random.pick([...NUMBERS, '10', '30', '50'])],
    ['SCARD', 'pop'],
    ['SPOP', 'pop', '1', '2'],
    ['SPOP', 'pop', random.pick(EDGES)],
    ['EXISTS', 'pop'],
  ];
}

/** Members of the large sets: some of the small ones have them too. */
function bigMembers(random: Random): string[] {
  const prefix = random.oneIn(2) ? 'm' : '';
  return Array.from({ length: random.between(1, 300) }, () => `${prefix}${random.below(1000)}`);
}

/** What is added to: a set, or now and then a text. */
function target(random: Random): string {
  return random.oneIn(20) ? 'text' : random.pick(SETS);
}

/** Over sets, a key that never is, and a text, in one database. */
export function setGenerators(): Generator[] {
  const add: Generator = (random) => ['SADD', target(random), ...members(random, 4)];
  const addMany: Generator = (random) => ['SADD', target(random), ...members(random, 40)];
  const remove: Generator = (random) => ['SREM', random.pick(ANY), ...members(random, 10)];
  const combine: Generator = (random) => [random.pick(['SINTER', 'SUNION', 'SDIFF']), ...keys(random, 5)];
  const store: Generator = (random) => [
    random.pick(['SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE']),
    random.pick(SETS),
    ...keys(random, 4),
  ];
  const addBig: Generator = (random) => ['SADD', random.pick(BIG_SETS), ...bigMembers(random)];
  const combineBig: Generator = (random) => [
    random.pick(['SINTER', 'SUNION', 'SDIFF', 'SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE']),
    random.pick(BIG_SETS),
    random.pick(BIG_SETS),
    ...keys(random, random.pick([1, 10])),
  ];
  const big: Generator[] = [
    addBig,
    combineBig,
    (random) => ['SREM', random.pick(BIG_SETS), ...bigMembers(random)],
    (random) => [random.pick(['SCARD', 'SCARD', 'SMEMBERS', 'DEL']), random.pick(BIG_SETS)],
  ];
  const pop = popScripts();
  return [
    add,
    add,
    addMany,
    remove,
    remove,
    combine,
    combine,
    store,
    store,
    (random) => random.pick(big)(random),
    pop,
    pop,
    (random) => ['SMOVE', random.pick(ANY), target(random), member(random)],
    (random) => ['SMOVE', random.pick(ANY), target(random), member(random)],
    (random) => ['SISMEMBER', random.pick(ANY), member(random)],
    (random) => ['SMISMEMBER', random.pick(ANY), ...members(random, 5)],
    (random) => [
      random.pick(['SCARD', 'SMEMBERS', 'SRANDMEMBER', 'TYPE', 'EXISTS', 'PTTL']),
      random.pick(ANY),
    ],
    (random) => ['SRANDMEMBER', random.pick(ANY), safeCount(random)],
    (random) => ['SPOP', random.pick(OTHERS), ...(random.oneIn(2) ? [safeCount(random)] : [])],
    intersectionCount,
    (random) => ['SSCAN', random.pick(ANY), '0', 'COUNT', '10000', ...scanWords(random)],
    (random) => ['SSCAN', random.pick(ANY), random.pick(CURSORS), ...scanWords(random), 'COUNT', '10000'],
    (random) => ['SSCAN', random.pick(OTHERS), random.pick(CURSORS), ...scanWords(random)],
    (random) => [random.pick(['COPY', 'RENAME']), random.pick(SETS), random.pick(SETS)],
    (random) => ['PEXPIRE', random.pick(ANY), '100000000'],
    () => ['SET', 'text', 'v'],
    (random) => ['DEL', random.pick(SETS)],
    (random) => [random.pick(TOO_SHORT), ...(random.oneIn(2) ? ['a'] : [])],
  ];
}

function intersectionCount(random: Random): Command {
  const sets = keys(random, 4);
  const count = random.oneIn(4) ? random.pick([...NUMBERS, ...EDGES]) : String(sets.length);
  const rest = random.oneIn(2) ? [] : ['LIMIT', random.pick([...NUMBERS, ...EDGES])];
  return ['SINTERCARD', count, ...sets, ...rest, ...(random.oneIn(20) ? ['LIMIT'] : [])];
}

function scanWords(random: Random): Argument[] {
  return Array.from({ length: random.below(4) }, () => random.pick(SCAN_WORDS));
}

/** Whether two replies that are not the same bytes say the same of a set. */
export function isSameSetReply(command: Command, ours: string, theirs: string): boolean {
  const name = String(command[0]);
  if (name === 'OBJECT') return ours === '$8\r\nlistpack\r\n' && theirs === '$9\r\nhashtable\r\n';
  if (!LISTINGS.has(name) || ours[0] !== theirs[0] || ours[0] === '-') return false;
  const ourValue = parseReply(ours)!.value;
  const theirValue = parseReply(theirs)!.value;
  if (name === 'SPOP' || name === 'SRANDMEMBER') return isSameDraw(command, ourValue, theirValue);
  return sorted(ourValue) === sorted(theirValue);
}

/** Both drew as many members, and, unless they may be repeated, different ones. */
function isSameDraw(command: Command, ours: Reply, theirs: Reply): boolean {
  if (!Array.isArray(ours) || !Array.isArray(theirs)) return typeof ours === typeof theirs && ours !== null;
  if (ours.length !== theirs.length) return false;
  return String(command[2]).startsWith('-') || new Set(ours).size === ours.length;
}

function sorted(value: Reply): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  return JSON.stringify(value.map(sorted).toSorted());
}
