/** Sets: members added, removed, moved, asked for and listed. The rest of the family is in the files it concatenates here. */
import { globMatch } from '../../base/glob.ts';
import { recordType, ValueType } from '../../store/record.ts';
import { SetBuilder } from '../../store/set/builder.ts';
import { BATCH, SetReader } from '../../store/set/reader.ts';
import {
  addMember,
  Added,
  countMembers,
  createSet,
  encodingOfNew,
  expectMembers,
  fetchAheadMembers,
  hasMember,
  removeMember,
  settleSet,
} from '../../store/set/set.ts';
import { Status } from '../../store/status.ts';
import type { EntryText } from '../../structures/packed-entry.ts';
import { OUT_OF_MEMORY, WRONG_TYPE } from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag, type Row } from '../row.ts';
import {
  INVALID_CURSOR,
  parseCursor,
  parseScanOptions,
  type ScanOptions,
  ScanWord,
} from '../scan-options.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';
import { combineRows } from './combine.ts';
import { randomRows } from './random.ts';

const memberRows: readonly Row[] = [
  {
    name: 'SADD',
    since: '1.0.0',
    arity: -3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['set'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    summary: 'Adds members to a set, which is made if there is none.',
    run: saddCommand,
  },
  {
    name: 'SREM',
    since: '1.0.0',
    arity: -3,
    flags: Flag.Write | Flag.Fast,
    acl: ['set'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    summary: 'Removes members from a set.',
    run: sremCommand,
  },
  {
    name: 'SMOVE',
    since: '1.0.0',
    arity: 4,
    flags: Flag.Write | Flag.Fast,
    acl: ['set'],
    keys: [
      key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete),
      key(2, KeyFlag.ReadWrite | KeyFlag.Insert),
    ],
    summary: 'Moves a member from one set to another.',
    run: smoveCommand,
  },
  {
    name: 'SCARD',
    since: '1.0.0',
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['set'],
    keys: [key(1, KeyFlag.ReadOnly)],
    summary: 'Counts the members of a set.',
    run: scardCommand,
  },
  {
    name: 'SISMEMBER',
    since: '1.0.0',
    arity: 3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['set'],
    keys: [key(1, KeyFlag.ReadOnly)],
    summary: 'Tells whether a set has a member.',
    run: sismemberCommand,
  },
  {
    name: 'SMISMEMBER',
    since: '6.2.0',
    arity: -3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['set'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Tells of each of several members whether a set has it.',
    run: smismemberCommand,
  },
  {
    name: 'SMEMBERS',
    since: '1.0.0',
    arity: 2,
    flags: Flag.ReadOnly,
    acl: ['set'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    tips: ['NONDETERMINISTIC_OUTPUT_ORDER'],
    summary: 'Lists all members of a set.',
    run: smembersCommand,
  },
  {
    name: 'SSCAN',
    since: '2.8.0',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['set'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    tips: ['NONDETERMINISTIC_OUTPUT'],
    summary: 'Lists the members of a set part by part.',
    run: sscanCommand,
  },
];

export const setFamily: Family = { group: 'set', rows: [...memberRows, ...randomRows, ...combineRows] };

const scratchBuilder = new SetBuilder();
const scratchReader = new SetReader();
/** Arguments that a SADD under way has added. */
const scratchAdded: number[] = [];

/** Hot with one member. */
function saddCommand(call: Call): void {
  const { key, keyspace, args, reply } = call;
  const record = findTyped(call, key, ValueType.Set);
  if (record === WRONG) return;
  if (call.count > 3) return addMany(call, record);
  const added =
    record === 0
      ? createSet(keyspace, key, call.source, args[4]!, args[5]!)
      : addMember(keyspace, key, call.source, args[4]!, args[5]!);
  if (added === Added.OutOfMemory) return reply.error(OUT_OF_MEMORY);
  if (added === Added.Yes) keyspace.touched(key);
  reply.integer(added);
}

/** Has the memory of the members from argument `index` on fetched. Returns twice the index of the first that was not. */
function fetchAhead(call: Call, record: number, index: number): number {
  const { keyspace, key, source, args, count } = call;
  return fetchAheadMembers(keyspace, key.shard, record, source, args, index * 2, count * 2);
}

function addMany(call: Call, record: number): void {
  const added = record === 0 ? createFromArguments(call) : addArguments(call);
  if (added < 0) return call.reply.error(OUT_OF_MEMORY);
  if (added > 0) call.keyspace.touched(call.key);
  call.reply.integer(added);
}

/** Adds all arguments to the set found. Returns how many were not there, or -1, nothing changed: out of memory. */
function addArguments(call: Call): number {
  const { key, keyspace, args, source, count } = call;
  if (expectMembers(keyspace, key, count - 2) !== Status.Ok) return -1;
  const done = scratchAdded;
  done.length = 0;
  let fetched = 0;
  for (let index = 2; index < count; index++) {
    if (index * 2 >= fetched) fetched = fetchAhead(call, key.record, index);
    const added = addMember(keyspace, key, source, args[index * 2]!, args[index * 2 + 1]!);
    if (added === Added.Yes) done.push(index);
    if (added !== Added.OutOfMemory) continue;
    for (const undone of done) {
      removeMember(keyspace, key, source, args[undone * 2]!, args[undone * 2 + 1]!);
    }
    return -1;
  }
  return done.length;
}

/** Makes the key a set of the arguments. Returns how many different ones there are, or -1, nothing changed. */
function createFromArguments(call: Call): number {
  const { key, keyspace, args, source, count } = call;
  const builder = scratchBuilder;
  const encoding = encodingOfNew(keyspace.packedLimits, source, args[4]!, args[5]!, count - 2);
  builder.begin(keyspace, key.shard, encoding);
  for (let index = 2; index < count; index++) {
    const added = builder.add(source, args[index * 2]!, args[index * 2 + 1]!);
    if (added !== Added.OutOfMemory) continue;
    builder.abandon();
    return -1;
  }
  if (builder.finish(key) === Status.Ok) return builder.count;
  builder.abandon();
  return -1;
}

function sremCommand(call: Call): void {
  const { key, keyspace, args, source, reply } = call;
  const record = findTyped(call, key, ValueType.Set);
  if (record === WRONG) return;
  if (record === 0) return reply.integer(0);
  let removed = 0;
  let fetched = call.count > 3 ? 0 : Infinity;
  for (let index = 2; index < call.count; index++) {
    if (index * 2 >= fetched) fetched = fetchAhead(call, key.record, index);
    if (!removeMember(keyspace, key, source, args[index * 2]!, args[index * 2 + 1]!)) continue;
    removed++;
    if (countMembers(key.shard, key.record) === 0) break;
  }
  if (removed > 0) settleSet(keyspace, key);
  reply.integer(removed);
}

/** Redis: what the destination holds is looked at only when there is a source. */
function smoveCommand(call: Call): void {
  const { key, otherKey, keyspace, args, source, reply } = call;
  const record = findTyped(call, key, ValueType.Set);
  if (record === WRONG) return;
  call.locate(2, otherKey);
  const target = keyspace.find(otherKey);
  if (record === 0) return reply.integer(0);
  if (target !== 0 && recordType(otherKey.shard, target) !== ValueType.Set) return reply.error(WRONG_TYPE);
  const at = args[6]!;
  const byteCount = args[7]!;
  const isMember = hasMember(keyspace, key.shard, record, source, at, byteCount);
  const isSame = target === record && key.shard === otherKey.shard;
  if (!isMember || isSame) return reply.integer(isMember ? 1 : 0);
  const add = target === 0 ? createSet : addMember;
  const added = add(keyspace, otherKey, source, at, byteCount);
  if (added === Added.OutOfMemory) return reply.error(OUT_OF_MEMORY);
  if (added === Added.Yes) keyspace.touched(otherKey);
  // Adding may have moved the slots of its shard.
  keyspace.find(key);
  removeMember(keyspace, key, source, at, byteCount);
  settleSet(keyspace, key);
  reply.integer(1);
}

function scardCommand(call: Call): void {
  const { key } = call;
  const record = readTyped(call, key, ValueType.Set);
  if (record !== WRONG) call.reply.integer(record === 0 ? 0 : countMembers(key.shard, record));
}

/** Hot. */
function sismemberCommand(call: Call): void {
  const record = readTyped(call, call.key, ValueType.Set);
  if (record !== WRONG) call.reply.integer(hasArgument(call, record, 2) ? 1 : 0);
}

function smismemberCommand(call: Call): void {
  const record = readTyped(call, call.key, ValueType.Set);
  if (record === WRONG) return;
  call.reply.array(call.count - 2);
  let fetched = record === 0 ? Infinity : 0;
  for (let index = 2; index < call.count; index++) {
    if (index * 2 >= fetched) fetched = fetchAhead(call, record, index);
    call.reply.integer(hasArgument(call, record, index) ? 1 : 0);
  }
}

/** Whether the set in `record`, if there is one, has argument `index`. */
function hasArgument(call: Call, record: number, index: number): boolean {
  const { args } = call;
  if (record === 0) return false;
  return hasMember(
    call.keyspace,
    call.key.shard,
    record,
    call.source,
    args[index * 2]!,
    args[index * 2 + 1]!,
  );
}

function smembersCommand(call: Call): void {
  const { key, reply } = call;
  const record = readTyped(call, key, ValueType.Set);
  if (record === WRONG) return;
  if (record === 0) return reply.set(0);
  const reader = scratchReader;
  reader.open(call.keyspace, key.shard, record);
  reply.set(reader.count);
  const { text } = reader;
  while (reader.next()) reply.bulk(text.bytes, text.at, text.byteCount);
}

/** Redis: the options are looked at only when there is a set. */
function sscanCommand(call: Call): void {
  const { key, reply } = call;
  const cursor = parseCursor(call, 2);
  if (cursor < 0) return reply.error(INVALID_CURSOR);
  const record = readTyped(call, key, ValueType.Set);
  if (record === WRONG) return;
  if (record === 0) {
    reply.array(2);
    reply.bulkText('0');
    return reply.array(0);
  }
  const options = parseScanOptions(call, 3, ScanWord.None);
  if (options !== null) scan(call, record, cursor, options);
}

/**
 * The cursor is the hash to go on from: it stays right whatever is added and removed meanwhile. A small set is replied
 * as a whole.
 */
function scan(call: Call, record: number, cursor: number, options: ScanOptions): void {
  const { reply } = call;
  const reader = scratchReader;
  const { text } = reader;
  const start = reply.at;
  let matched = 0;
  reader.open(call.keyspace, call.key.shard, record);
  reader.seek(cursor);
  for (let left = options.count; left > 0 && reader.fill(Math.min(left, BATCH));) {
    left -= reader.isTable ? reader.batchCount : 0;
    while (reader.nextOfBatch()) {
      if (!matches(call, options.patternIndex, text)) continue;
      reply.bulk(text.bytes, text.at, text.byteCount);
      matched++;
    }
  }
  reply.before(start, () => {
    reply.array(2);
    reply.bulkText(String(Math.max(reader.resumeHash, 0)));
    reply.array(matched);
  });
}

/** Whether a member matches argument `patternIndex` (0: no pattern). */
function matches(call: Call, patternIndex: number, text: EntryText): boolean {
  if (patternIndex === 0) return true;
  const start = call.args[patternIndex * 2]!;
  const end = start + call.args[patternIndex * 2 + 1]!;
  return globMatch(call.source.u8, start, end, text.bytes.u8, text.at, text.at + text.byteCount, false);
}
