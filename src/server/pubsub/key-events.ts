/** The events by which Redis tells what a command did to a key (notify-keyspace-events). Reference: the calls of
 *  notifyKeyspaceEvent in its commands. */

/** A letter of notify-keyspace-events, and a word. */
export interface KeyEvent {
  readonly letter: string;
  readonly word: string;
}

/** What is known of a request and of a key that it has changed. */
export interface KeyChange {
  /** Name of the command. */
  readonly command: string;
  /** The request's arguments as latin1, the command's name included. */
  readonly words: readonly string[];
  readonly key: string;
  /** The key is still there. */
  readonly exists: boolean;
}

const DELETED: KeyEvent = { letter: 'g', word: 'del' };
const EXPIRES: KeyEvent = { letter: 'g', word: 'expire' };
const NOTHING: readonly KeyEvent[] = [];

/** Letter and word, and the commands whose every change is told so; of a key that is gone `del` behind it. */
const SIMPLE: readonly (readonly [letter: string, word: string, commands: string])[] = [
  ['$', 'set', 'setnx getset mset msetnx msetex'],
  ['$', 'append', 'append'],
  ['$', 'setrange', 'setrange'],
  ['$', 'incrby', 'incr decr incrby decrby'],
  ['$', 'incrbyfloat', 'incrbyfloat'],
  ['l', 'lpush', 'lpush lpushx'],
  ['l', 'rpush', 'rpush rpushx'],
  ['l', 'lpop', 'lpop blpop'],
  ['l', 'rpop', 'rpop brpop'],
  ['l', 'linsert', 'linsert'],
  ['l', 'lset', 'lset'],
  ['l', 'lrem', 'lrem'],
  ['l', 'ltrim', 'ltrim'],
  ['s', 'sadd', 'sadd'],
  ['s', 'srem', 'srem'],
  ['s', 'spop', 'spop'],
  ['h', 'hset', 'hset hmset hsetnx'],
  ['h', 'hincrby', 'hincrby'],
  ['h', 'hincrbyfloat', 'hincrbyfloat'],
  ['h', 'hdel', 'hdel'],
  ['z', 'zincr', 'zincrby'],
  ['z', 'zrem', 'zrem'],
  ['z', 'zremrangebyrank', 'zremrangebyrank'],
  ['z', 'zremrangebyscore', 'zremrangebyscore'],
  ['z', 'zremrangebylex', 'zremrangebylex'],
  ['z', 'zpopmin', 'zpopmin bzpopmin'],
  ['z', 'zpopmax', 'zpopmax bzpopmax'],
  ['g', 'persist', 'persist'],
  ['t', 'xadd', 'xadd'],
  ['t', 'xdel', 'xdel xdelex xackdel'],
  ['t', 'xtrim', 'xtrim'],
  ['t', 'xsetid', 'xsetid'],
  ['t', 'xgroup-create', 'xgroup|create'],
  ['t', 'xgroup-setid', 'xgroup|setid'],
  ['t', 'xgroup-destroy', 'xgroup|destroy'],
  ['t', 'xgroup-createconsumer', 'xgroup|createconsumer'],
  ['t', 'xgroup-delconsumer', 'xgroup|delconsumer'],
];

/** The same, but of a key that is gone only `del` is told: the result was empty, or the time given has passed. */
const STORING: readonly (readonly [letter: string, word: string, commands: string])[] = [
  ['s', 'sinterstore', 'sinterstore'],
  ['s', 'sunionstore', 'sunionstore'],
  ['s', 'sdiffstore', 'sdiffstore'],
  ['z', 'zinterstore', 'zinterstore'],
  ['z', 'zunionstore', 'zunionstore'],
  ['z', 'zdiffstore', 'zdiffstore'],
  ['z', 'zrangestore', 'zrangestore'],
  ['l', 'sortstore', 'sort'],
  ['g', 'expire', 'expire pexpire expireat pexpireat'],
  ['g', 'copy_to', 'copy'],
  ['g', 'restore', 'restore restore-asking'],
];

/** Commands that tell nothing of what they remove. */
const SILENT: ReadonlySet<string> = new Set(['flushall', 'flushdb', 'swapdb', 'debug']);

type Rule = (change: KeyChange) => readonly KeyEvent[];

const RULES = new Map<string, Rule>([
  ['set', ({ words }) => [event('$', 'set'), ...(words.slice(3).some(isExpiryWord) ? [EXPIRES] : [])]],
  ['setex', () => [event('$', 'set'), EXPIRES]],
  ['psetex', () => [event('$', 'set'), EXPIRES]],
  ['getex', ({ words }) => [words[2]?.toLowerCase() === 'persist' ? event('g', 'persist') : EXPIRES]],
  ['zadd', ({ words }) => [event('z', hasIncrement(words) ? 'zincr' : 'zadd')]],
  ['smove', ({ words, key }) => [event('s', key === words[1] ? 'srem' : 'sadd')]],
  ['rename', renamed],
  ['renamenx', renamed],
  ['move', () => NOTHING],
  ['lmove', ({ words, key }) => moved(words, key, sideOf(words[3]), sideOf(words[4]))],
  ['blmove', ({ words, key }) => moved(words, key, sideOf(words[3]), sideOf(words[4]))],
  ['lmovem', ({ words, key }) => moved(words, key, sideOf(words[3]), sideOf(words[4]))],
  ['rpoplpush', ({ words, key }) => moved(words, key, 'r', 'l')],
  ['brpoplpush', ({ words, key }) => moved(words, key, 'r', 'l')],
  ['lmpop', ({ words }) => [event('l', words.some((word) => /^left$/i.test(word)) ? 'lpop' : 'rpop')]],
  ['zmpop', ({ words }) => [event('z', words.some((word) => /^min$/i.test(word)) ? 'zpopmin' : 'zpopmax')]],
]);
for (const [letter, word, commands] of SIMPLE) {
  const events = [event(letter, word)];
  for (const command of commands.split(' ')) RULES.set(command, () => events);
}
const STORING_RULES = new Map<string, readonly KeyEvent[]>();
for (const [letter, word, commands] of STORING) {
  for (const command of commands.split(' ')) STORING_RULES.set(command, [event(letter, word)]);
}

/** Position of the key that is told of first, where there are two. */
const TOLD_FIRST = new Map([
  ['lmove', 2],
  ['lmovem', 2],
  ['rpoplpush', 2],
  ['blmove', 2],
  ['brpoplpush', 2],
  ['rename', 1],
  ['renamenx', 1],
  ['smove', 1],
]);

/** The key of which a request tells first, whichever it has changed first; undefined: that one. */
export function toldFirst(command: string, words: readonly string[]): string | undefined {
  const position = TOLD_FIRST.get(command);
  return position === undefined ? undefined : words[position];
}

/** Redis: what is under the destination of these is removed, and so comes to be again. */
export function madeAnew(command: string, words: readonly string[]): string | undefined {
  return command === 'rename' || command === 'renamenx' || command === 'copy' ? words[2] : undefined;
}

/** What is told of a change, in order. */
export function keyEvents(change: KeyChange): readonly KeyEvent[] {
  const { command, exists } = change;
  if (SILENT.has(command)) return NOTHING;
  const stored = STORING_RULES.get(command);
  if (stored !== undefined) return exists ? stored : [DELETED];
  const events = RULES.get(command)?.(change) ?? NOTHING;
  const isRenamed = command === 'rename' || command === 'renamenx';
  return exists || isRenamed ? events : [...events, DELETED];
}

function event(letter: string, word: string): KeyEvent {
  return { letter, word };
}

function isExpiryWord(word: string): boolean {
  return /^(?:ex|px|exat|pxat)$/i.test(word);
}

/** Whether INCR is among the options of a ZADD, which stand before the first score: a member may be called so. */
function hasIncrement(words: readonly string[]): boolean {
  for (let index = 2; /^(?:nx|xx|gt|lt|ch|incr)$/i.test(words[index] ?? ''); index++) {
    if (words[index]!.toLowerCase() === 'incr') return true;
  }
  return false;
}

function sideOf(word = ''): string {
  return word.toLowerCase() === 'left' ? 'l' : 'r';
}

function renamed({ words, key }: KeyChange): readonly KeyEvent[] {
  return [event('g', key === words[1] ? 'rename_from' : 'rename_to')];
}

/** Redis tells of the push first. */
function moved(words: readonly string[], key: string, from: string, to: string): readonly KeyEvent[] {
  const pop = event('l', `${from}pop`);
  const push = event('l', `${to}push`);
  if (words[1] === words[2]) return [push, pop];
  return [key === words[1] ? pop : push];
}
