/**
 * Several strings at once. The locks of all their shards are held, so that nobody sees a part; and when memory runs out
 * nothing has been changed: where it might, every record is made before the first one takes its place.
 */
import { parseInteger } from '../../base/number.ts';
import { recordType, valueAt, valueBytes, ValueType } from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { type EffectSink, putStringOrDelete, ReplyScan } from '../effect.ts';
import { hasPassed } from '../expiry-argument.ts';
import { OUT_OF_MEMORY, wrongArity } from '../replies.ts';
import { type Call, countedKeys, Flag, key, KeyFlag, type Row } from '../row.ts';
import { Condition, expiryOf, parseOptions, StringOptions, Takes } from './options.ts';

export const manyRows: readonly Row[] = [
  {
    name: 'MGET',
    since: '1.0.0',
    arity: -2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access, -1)],
    tips: ['REQUEST_POLICY:MULTI_SHARD'],
    summary: 'Returns the strings at several keys.',
    run: mgetCommand,
  },
  {
    name: 'MSET',
    since: '1.0.1',
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['string'],
    keys: [key(1, KeyFlag.Overwrite | KeyFlag.Update, -1, 2)],
    tips: ['REQUEST_POLICY:MULTI_SHARD', 'RESPONSE_POLICY:ALL_SUCCEEDED'],
    summary: 'Sets several keys to strings.',
    run: msetCommand,
  },
  {
    name: 'MSETNX',
    since: '1.0.1',
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['string'],
    keys: [key(1, KeyFlag.Overwrite | KeyFlag.Insert, -1, 2)],
    summary: 'Sets several keys if none of them exists.',
    run: msetnxCommand,
  },
  {
    name: 'MSETEX',
    since: '8.4.0',
    arity: -4,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['string'],
    keys: [countedKeys(1, KeyFlag.Overwrite | KeyFlag.Update, 2)],
    tips: ['REQUEST_POLICY:MULTI_SHARD', 'RESPONSE_POLICY:ALL_SUCCEEDED'],
    summary: 'Sets several keys with one expiry, on a condition if wanted.',
    run: msetexCommand,
    effect: msetexEffect,
  },
];

/** Room that a record, with the slabs and the segments it may need, surely finds in. */
const RECORD_ROOM_BYTES = 1 << 20;
/** The same for the directory of a table, which doubles now and then. */
const DIRECTORY_ROOM_BYTES = 128 << 20;

const scratchOptions = new StringOptions();
/** Records staged by the command being run, by the order of their keys. */
let scratchStaged = new Int32Array(64);

/** Hot. */
function mgetCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const count = call.count;
  reply.array(count - 1);
  for (let index = 1; index < count; index++) {
    call.locate(index, key);
    const record = keyspace.read(key);
    const shard = key.shard;
    if (record === 0 || recordType(shard, record) !== ValueType.String) reply.nil();
    else reply.bulk(shard.bytes, valueAt(shard, record), valueBytes(shard, record));
  }
}

/** Hot. */
function msetCommand(call: Call): void {
  if ((call.count & 1) === 0) return wrongArity(call.reply, 'mset');
  if (putPairs(call, 1, call.count, 0)) call.reply.ok();
  else call.reply.error(OUT_OF_MEMORY);
}

function msetnxCommand(call: Call): void {
  if ((call.count & 1) === 0) return wrongArity(call.reply, 'msetnx');
  if (countExisting(call, 1, call.count) > 0) return call.reply.integer(0);
  if (putPairs(call, 1, call.count, 0)) call.reply.integer(1);
  else call.reply.error(OUT_OF_MEMORY);
}

function msetexCommand(call: Call): void {
  const { reply, args } = call;
  const pairCount = parseInteger(call.source.u8, args[2]!, args[2]! + args[3]!);
  if (!(pairCount > 0)) return reply.error('ERR invalid numkeys value');
  const end = 2 + pairCount * 2;
  if (end > call.count) return reply.error('ERR wrong number of key-value pairs');
  const options = scratchOptions;
  if (!parseOptions(call, end, Takes.Existence | Takes.KeepTtl, options)) return;
  const whenMs = expiryOf(call, options);
  if (whenMs !== whenMs) return;
  if (options.condition !== Condition.None) {
    const existing = countExisting(call, 2, end);
    if (existing !== (options.condition === Condition.Missing ? 0 : pairCount)) return reply.integer(0);
  }
  if (whenMs > 0 && hasPassed(call, whenMs)) removePairs(call, 2, end);
  else if (!putPairs(call, 2, end, whenMs)) return reply.error(OUT_OF_MEMORY);
  reply.integer(1);
}

function msetexEffect(call: Call, out: EffectSink): void {
  if (new ReplyScan(call).integer() !== 1) return;
  const end = 2 + Number(call.text(1)) * 2;
  for (let index = 2; index < end; index += 2) putStringOrDelete(call, index, out);
}

/** How many of the keys at arguments `from`, `from` + 2 and so on before `end` exist. */
function countExisting(call: Call, from: number, end: number): number {
  let count = 0;
  for (let index = from; index < end; index += 2) {
    call.locate(index, call.key);
    if (call.keyspace.find(call.key) !== 0) count++;
  }
  return count;
}

function removePairs(call: Call, from: number, end: number): void {
  for (let index = from; index < end; index += 2) {
    call.locate(index, call.key);
    if (call.keyspace.find(call.key) !== 0) call.keyspace.remove(call.key);
  }
}

/** Sets every key from argument `from` on to the argument after it. False, nothing changed: out of memory. */
function putPairs(call: Call, from: number, end: number, whenMs: number): boolean {
  if (!hasRoom(call, from, end)) return stagePairs(call, from, end, whenMs);
  const { key, keyspace, args, source } = call;
  for (let index = from; index < end; index += 2) {
    call.locate(index, key);
    const status = keyspace.putString(key, source, args[index * 2 + 2]!, args[index * 2 + 3]!, whenMs);
    // Only where somebody has found tens of thousands of keys whose hashes are nearly equal.
    if (status !== Status.Ok) return stagePairs(call, index, end, whenMs);
  }
  return true;
}

/** Whether the shards of all the keys have so much room left that every record finds its place, whatever it needs. */
function hasRoom(call: Call, from: number, end: number): boolean {
  const args = call.args;
  const argumentBytes = args[end * 2 - 2]! + args[end * 2 - 1]! - args[from * 2]!;
  return (
    call.untouchedBytes >= DIRECTORY_ROOM_BYTES + ((end - from) >> 1) * RECORD_ROOM_BYTES + argumentBytes
  );
}

/** `putPairs` where memory may run out on the way: makes all records, then lets them take their places. */
function stagePairs(call: Call, from: number, end: number, whenMs: number): boolean {
  const { key, keyspace, args, source } = call;
  const staged = stagedFor((end - from) >> 1);
  let count = 0;
  for (let index = from; index < end; index += 2, count++) {
    call.locate(index, key);
    const record = keyspace.stageString(key, source, args[index * 2 + 2]!, args[index * 2 + 3]!, whenMs);
    if (record === 0) {
      dropStaged(call, from, count, staged);
      return false;
    }
    staged[count] = record;
  }
  for (let place = 0; place < count; place++) {
    call.locate(from + place * 2, key);
    keyspace.commitStaged(key, staged[place]!);
  }
  return true;
}

/** Last first: a key named twice was new only the first time. */
function dropStaged(call: Call, from: number, count: number, staged: Int32Array): void {
  for (let place = count - 1; place >= 0; place--) {
    call.locate(from + place * 2, call.key);
    call.keyspace.dropStaged(call.key, staged[place]!);
  }
}

function stagedFor(count: number): Int32Array {
  if (scratchStaged.length < count) scratchStaged = new Int32Array(count * 2);
  return scratchStaged;
}
