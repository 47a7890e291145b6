/** Random SORTs over lists, sets and sorted sets, by and with strings and hashes. */
import type { Command, Generator, Random } from '../support/differential.ts';

export const SORT_KEYS = ['l1', 'l2', 's1', 's2', 'z1', 'z2', 'text', 'none'];
const WEIGHTS = ['1', '3', '-2', '10', '2.5', '1e3', 'inf', '', ' 7', 'abc', '0x10', '3 ', 'nan'];
const NUMBERS = ['0', '1', '2', '3', '5', '10', '-4', '2.5', '1e2'];
const WORDS = ['a', 'b', 'B', 'ab', '', 'z', 'ä', '10', '9'];
const PATTERNS = ['w_*', 'w_*_x', 'h_*->f', 'h_*->g', 'h_*->', 'w_1', '#', '*', 'h_*', '**', 'none_*', 'l*'];

function element(random: Random): string {
  return random.oneIn(12) ? random.pick(WORDS) : random.pick(NUMBERS);
}

function elements(random: Random): string[] {
  return Array.from({ length: random.between(1, 6) }, () => element(random));
}

function fill(random: Random): Command {
  const member = element(random);
  switch (random.below(8)) {
    case 0:
      return ['RPUSH', random.pick(['l1', 'l2']), ...elements(random)];
    case 1:
      return ['SADD', random.pick(['s1', 's2']), ...elements(random)];
    case 2:
      return [
        'ZADD',
        random.pick(['z1', 'z2']),
        random.pick(NUMBERS),
        member,
        random.pick(NUMBERS),
        element(random),
      ];
    case 3:
      return ['HSET', `h_${member}`, random.pick(['f', 'g', '']), random.pick(WEIGHTS)];
    case 4:
      return ['SET', `w_${member}`, random.pick(WEIGHTS)];
    case 5:
      return ['SET', `w_${member}_x`, random.pick(NUMBERS)];
    case 6:
      return random.oneIn(8) ? ['DEL', random.pick(SORT_KEYS)] : ['SET', 'text', 'x'];
    default:
      return ['DEL', random.pick([`w_${member}`, `h_${member}`, `w_${member}_x`])];
  }
}

function limit(random: Random): string[] {
  const number = (): string =>
    random.oneIn(15)
      ? random.pick(['x', '9223372036854775807', '-9223372036854775808'])
      : `${random.between(-2, 8)}`;
  return ['LIMIT', number(), number()];
}

function sort(random: Random): Command {
  const command = [random.pick(['SORT', 'SORT', 'SORT_RO']), random.pick(SORT_KEYS)];
  const byPattern = random.oneIn(2) ? random.pick(PATTERNS) : '';
  if (byPattern !== '') command.push('BY', byPattern);
  if (random.oneIn(3)) command.push(...limit(random));
  for (let gets = random.below(3); gets > 0; gets--) command.push('GET', random.pick(PATTERNS));
  if (random.oneIn(3)) command.push(random.pick(['ASC', 'DESC', 'desc']));
  // Equal weights of unequal elements leave Redis' order to its sort, which is not stable.
  if (byPattern === '' && random.oneIn(3)) command.push('ALPHA');
  if (random.oneIn(5)) command.push('STORE', random.pick([...SORT_KEYS, 'dst']));
  if (random.oneIn(25)) command.push(random.pick(['LIMIT', 'BY', 'GET', 'foo', '']));
  return command;
}

export function sortGenerators(): Generator[] {
  const check: Generator = (random) => ['LRANGE', random.pick(['dst', 'l1', 'l2']), 0, -1];
  return [fill, fill, fill, sort, sort, sort, check];
}

/** A set that is not sorted comes in any order, and so do what GET makes of it and the part that LIMIT takes. */
export function isSameSorted(command: Command, ours: string, theirs: string): boolean {
  const words = command.map(String);
  const byAt = words.indexOf('BY');
  const isUnsorted = byAt > 0 && !String(words[byAt + 1]).includes('*');
  if (!isUnsorted || !words[1]!.startsWith('s') || words.includes('STORE')) return false;
  const lines = (reply: string): string => reply.split('\r\n').toSorted().join('|');
  return words.includes('LIMIT') ? ours.length > 0 && ours[0] === theirs[0] : lines(ours) === lines(theirs);
}
