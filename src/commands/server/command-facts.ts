/** What COMMAND (and later ACL) tell about a command beyond its row: words for its flags, ACL categories that its flags
 *  imply, and the old way to say where keys stand. */
import type { Command } from '../registry.ts';
import { Flag, KeyFlag } from '../row.ts';

/** In the order in which Redis lists them. */
const FLAG_WORDS: readonly (readonly [Flag, string])[] = [
  [Flag.Write, 'write'],
  [Flag.ReadOnly, 'readonly'],
  [Flag.DenyOom, 'denyoom'],
  [Flag.Admin, 'admin'],
  [Flag.PubSub, 'pubsub'],
  [Flag.NoScript, 'noscript'],
  [Flag.Blocking, 'blocking'],
  [Flag.Loading, 'loading'],
  [Flag.Stale, 'stale'],
  [Flag.SkipMonitor, 'skip_monitor'],
  [Flag.SkipSlowlog, 'skip_slowlog'],
  [Flag.Asking, 'asking'],
  [Flag.Fast, 'fast'],
  [Flag.NoAuth, 'no_auth'],
  [Flag.MayReplicate, 'may_replicate'],
  [Flag.NoMandatoryKeys, 'no_mandatory_keys'],
  [Flag.Protected, 'protected'],
  [Flag.NoAsyncLoading, 'no_async_loading'],
  [Flag.NoMulti, 'no_multi'],
  [Flag.AllowBusy, 'allow_busy'],
  [Flag.TouchesArbitraryKeys, 'touches_arbitrary_keys'],
];

const KEY_FLAG_WORDS: readonly (readonly [KeyFlag, string])[] = [
  [KeyFlag.ReadWrite, 'RW'],
  [KeyFlag.ReadOnly, 'RO'],
  [KeyFlag.Overwrite, 'OW'],
  [KeyFlag.Remove, 'RM'],
  [KeyFlag.Access, 'access'],
  [KeyFlag.Update, 'update'],
  [KeyFlag.Insert, 'insert'],
  [KeyFlag.Delete, 'delete'],
  [KeyFlag.NotKey, 'not_key'],
  [KeyFlag.Incomplete, 'incomplete'],
  [KeyFlag.VariableFlags, 'variable_flags'],
];

/** Every ACL category, in the order in which Redis lists them. */
export const ACL_CATEGORIES: readonly string[] = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
];

/** COMMAND INFO's words for the flags of a command. Where a command exists in a sentinel is not said: we are none. */
export function flagWords(command: Command): string[] {
  const words = FLAG_WORDS.filter(([flag]) => (command.flags & flag) !== 0).map(([, word]) => word);
  if (legacyKeys(command).areMovable) words.push('movablekeys');
  return words;
}

/** The words for a set of KeyFlag. */
export function keyFlagWords(flags: number): string[] {
  return KEY_FLAG_WORDS.filter(([flag]) => (flags & flag) !== 0).map(([, word]) => word);
}

/** The ACL categories of a command: those of its row and those its flags imply, as Redis derives them. */
export function aclCategories(command: Command): string[] {
  const { flags } = command;
  const categories = new Set(command.row.acl ?? []);
  const imply = (flag: Flag, ...names: string[]): void => {
    if ((flags & flag) !== 0) for (const name of names) categories.add(name);
  };
  imply(Flag.Write, 'write');
  if (!categories.has('scripting')) imply(Flag.ReadOnly, 'read');
  imply(Flag.Admin, 'admin', 'dangerous');
  imply(Flag.PubSub, 'pubsub');
  imply(Flag.Fast, 'fast');
  imply(Flag.Blocking, 'blocking');
  if ((flags & Flag.Fast) === 0) categories.add('slow');
  return ACL_CATEGORIES.filter((category) => categories.has(category));
}

export interface LegacyKeys {
  /** Positions of the first and the last key, 0 for none; the last may be negative: counted from the end. */
  readonly first: number;
  readonly last: number;
  readonly step: number;
  /** There are keys that these numbers do not tell. */
  readonly areMovable: boolean;
}

/** Where keys stand as COMMAND INFO told it before there were key specifications (Redis: populateCommandLegacyRangeSpec). */
export function legacyKeys(command: Command): LegacyKeys {
  const { keys } = command;
  let first = 0;
  let last = 0;
  let areMovable = false;
  for (const { flags, begin, find } of keys) {
    if (begin.kind !== 'index' || find.kind !== 'range') {
      areMovable = true;
      continue;
    }
    const end = find.last >= 0 ? begin.position + find.last : find.last;
    if (keys.length === 1) return { first: begin.position, last: end, step: find.step, areMovable };
    if ((flags & KeyFlag.Incomplete) !== 0) areMovable = true;
    if (find.step !== 1 || (last !== 0 && last !== begin.position - 1)) {
      areMovable = true;
      continue;
    }
    first = first === 0 ? begin.position : Math.min(first, begin.position);
    // A last key that is counted from the end is behind every other.
    last = last < 0 || end < 0 ? Math.min(last, end) : Math.max(last, end);
  }
  return { first, last, step: first === 0 ? 0 : 1, areMovable };
}
