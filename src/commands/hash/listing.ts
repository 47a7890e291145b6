/** Commands that list a hash: all of it, or part by part. */
import { globMatch } from '../../base/glob.ts';
import { HASH_LIMIT } from '../../base/hash.ts';
import { HashWalk, liveFieldCount } from '../../store/hash/walk.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import {
  INVALID_CURSOR,
  parseCursor,
  parseScanOptions,
  type ScanOptions,
  ScanWord,
} from '../scan-options.ts';
import { NOT_A_HASH, readHash, replyText } from './value.ts';

const KEYS = [key(1, KeyFlag.ReadOnly | KeyFlag.Access)];

export const listingRows: readonly Row[] = [
  {
    name: 'HKEYS',
    since: '2.0.0',
    arity: 2,
    flags: Flag.ReadOnly,
    acl: ['hash'],
    keys: KEYS,
    tips: ['NONDETERMINISTIC_OUTPUT_ORDER'],
    summary: 'Lists the fields of a hash.',
    run: (call) => list(call, true, false),
  },
  {
    name: 'HVALS',
    since: '2.0.0',
    arity: 2,
    flags: Flag.ReadOnly,
    acl: ['hash'],
    keys: KEYS,
    tips: ['NONDETERMINISTIC_OUTPUT_ORDER'],
    summary: 'Lists the values of a hash.',
    run: (call) => list(call, false, true),
  },
  {
    name: 'HGETALL',
    since: '2.0.0',
    arity: 2,
    flags: Flag.ReadOnly,
    acl: ['hash'],
    keys: KEYS,
    tips: ['NONDETERMINISTIC_OUTPUT_ORDER'],
    summary: 'Lists the fields and values of a hash.',
    run: (call) => list(call, true, true),
  },
  {
    name: 'HSCAN',
    since: '2.8.0',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['hash'],
    keys: KEYS,
    tips: ['NONDETERMINISTIC_OUTPUT'],
    summary: 'Lists the fields and values of a hash part by part.',
    run: hscanCommand,
  },
];

const scratchWalk = new HashWalk();
const scratchField = new EntryText();
const scratchValue = new EntryText();

function list(call: Call, fields: boolean, values: boolean): void {
  const { key, keyspace, reply } = call;
  const record = readHash(call, key);
  if (record === NOT_A_HASH) return;
  const count = record === 0 ? 0 : liveFieldCount(keyspace, key);
  if (fields && values) reply.map(count);
  else reply.array(count);
  if (count === 0) return;
  const walk = scratchWalk;
  walk.begin(keyspace, key);
  while (walk.next()) {
    if (fields) {
      walk.pointAtField(walk.place, scratchField);
      replyText(call, scratchField);
    }
    if (values) {
      walk.pointAtValue(walk.place, scratchValue);
      replyText(call, scratchValue);
    }
  }
}

/** Redis: where there is no such key, or a wrong one, the options are not looked at. */
function hscanCommand(call: Call): void {
  const cursor = parseCursor(call, 2);
  if (cursor < 0) return call.reply.error(INVALID_CURSOR);
  const record = readHash(call, call.key);
  if (record === NOT_A_HASH) return;
  if (record === 0) return replyScan(call, call.reply.at, 0, 0);
  const options = parseScanOptions(call, 3, ScanWord.NoValues);
  if (options !== null) scan(call, cursor, options);
}

/**
 * Replies all of a packed hash, or about COUNT fields of a table from the hash `cursor` on: their order does not change
 * whatever happens in between, so that what is there all the time is met exactly once.
 */
function scan(call: Call, cursor: number, options: ScanOptions): void {
  const { key, keyspace, reply } = call;
  const start = reply.at;
  const walk = scratchWalk;
  if (cursor >= HASH_LIMIT) return replyScan(call, start, 0, 0);
  const next = walk.beginSlice(keyspace, key, cursor, options.count);
  let replied = 0;
  while (walk.next()) {
    walk.pointAtField(walk.place, scratchField);
    if (!matches(call, options.patternIndex, scratchField)) continue;
    replyText(call, scratchField);
    replied++;
    if (options.noValues) continue;
    walk.pointAtValue(walk.place, scratchValue);
    replyText(call, scratchValue);
    replied++;
  }
  replyScan(call, start, next, replied);
}

/** Puts cursor and count in front of what has been replied since `start`. */
function replyScan(call: Call, start: number, next: number, count: number): void {
  const { reply } = call;
  reply.before(start, () => {
    reply.array(2);
    reply.bulkText(String(next));
    reply.array(count);
  });
}

/** Whether a text matches argument `patternIndex` (0: no pattern). */
function matches(call: Call, patternIndex: number, text: EntryText): boolean {
  if (patternIndex === 0) return true;
  const start = call.args[patternIndex * 2]!;
  const end = start + call.args[patternIndex * 2 + 1]!;
  const { bytes, at, byteCount } = text;
  return globMatch(call.source.u8, start, end, bytes.u8, at, at + byteCount, false);
}
