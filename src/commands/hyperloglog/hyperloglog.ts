/** HyperLogLogs: how many different elements there were, within a percent, in 12 KiB. */
import { Int64, setInt64 } from '../../base/int64.ts';
import type { Key } from '../../store/key.ts';
import {
  estimateRecord,
  finishInPlace,
  isDense,
  markRaw,
  mergeRecord,
  putImage,
  takeImage,
} from '../../store/hyperloglog.ts';
import { valueAt } from '../../store/record.ts';
import { Raise } from '../../structures/hyperloglog/image.ts';
import {
  estimateRegisters,
  markStale,
  placeElement,
  raiseDense,
  readCardinality,
  REGISTER_COUNT,
  scratchPlace,
  writeCardinality,
} from '../../structures/hyperloglog/registers.ts';
import { OUT_OF_MEMORY, replyInt64 } from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag, type Row } from '../row.ts';
import { debugRows } from './debug.ts';
import { CORRUPT, findHyperLogLog, NOT_ONE, readHyperLogLog, scratchImage } from './value.ts';

const rows: readonly Row[] = [
  {
    name: 'PFADD',
    since: '2.8.9',
    arity: -2,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['hyperloglog'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    grows: true,
    summary: 'Adds elements to a HyperLogLog.',
    run: pfaddCommand,
  },
  {
    name: 'PFCOUNT',
    since: '2.8.9',
    arity: -2,
    flags: Flag.ReadOnly | Flag.MayReplicate,
    acl: ['hyperloglog'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access, -1)],
    summary: 'Estimates how many different elements were added to any of several HyperLogLogs.',
    run: pfcountCommand,
  },
  {
    name: 'PFMERGE',
    since: '2.8.9',
    arity: -2,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['hyperloglog'],
    keys: [
      key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Insert),
      key(2, KeyFlag.ReadOnly | KeyFlag.Access, -1),
    ],
    grows: true,
    summary: 'Adds to a HyperLogLog what was added to several others.',
    run: pfmergeCommand,
  },
];

export const hyperLogLogFamily: Family = { group: 'hyperloglog', rows: [...rows, ...debugRows] };

/** The union of several. */
const scratchRegisters = new Uint8Array(REGISTER_COUNT);
const scratchCardinality = new Int64();

/** Hot where it is dense. */
function pfaddCommand(call: Call): void {
  const { key, reply, keyspace } = call;
  const record = findHyperLogLog(call, key);
  if (record === NOT_ONE) return;
  if (record === 0 || !isDense(key.shard, record)) return addToSparse(call, record);
  const raisedCount = addToDense(call, record);
  markRaw(key.shard, record);
  if (raisedCount > 0) finishInPlace(keyspace, key);
  reply.integer(raisedCount > 0 ? 1 : 0);
}

function addToDense(call: Call, record: number): number {
  const { key, args, source, count } = call;
  const { u8 } = key.shard.bytes;
  const at = valueAt(key.shard, record);
  let raisedCount = 0;
  for (let index = 2; index < count; index++) {
    placeElement(source, args[index * 2]!, args[index * 2 + 1]!);
    if (raiseDense(u8, at, scratchPlace.index, scratchPlace.value)) raisedCount++;
  }
  return raisedCount;
}

/** To a sparse one or, for record 0, a new one. */
function addToSparse(call: Call, record: number): void {
  const { key, args, source, count, reply, keyspace } = call;
  const image = scratchImage;
  const { hyperLogLogBytes } = keyspace.packedLimits;
  takeImage(image, key.shard, record);
  let raisedCount = record === 0 ? 1 : 0;
  for (let index = 2; index < count; index++) {
    placeElement(source, args[index * 2]!, args[index * 2 + 1]!);
    const outcome = image.raise(scratchPlace.index, scratchPlace.value, hyperLogLogBytes);
    if (outcome === Raise.Corrupt) return reply.error(CORRUPT);
    raisedCount += outcome;
  }
  if (raisedCount === 0) {
    markRaw(key.shard, record);
    return reply.integer(0);
  }
  markStale(image.bytes.u8, 0);
  if (putImage(keyspace, key, image)) reply.integer(1);
  else reply.error(OUT_OF_MEMORY);
}

/** Redis: of one key, the cardinality is kept in the value, which is a change of it. */
function pfcountCommand(call: Call): void {
  const { key, reply, keyspace } = call;
  if (call.count > 2) return countUnion(call);
  const record = readHyperLogLog(call, key);
  if (record === NOT_ONE) return;
  if (record === 0) return reply.integer(0);
  const { shard } = key;
  const at = valueAt(shard, record);
  markRaw(shard, record);
  if (!readCardinality(shard.bytes, at, scratchCardinality)) {
    const cardinality = estimateRecord(shard, record);
    if (cardinality === -1) return reply.error(CORRUPT);
    setInt64(scratchCardinality, cardinality);
    keyspace.willChange(key);
    writeCardinality(shard.bytes, at, scratchCardinality);
    keyspace.touched(key);
  }
  replyInt64(reply, scratchCardinality);
}

function countUnion(call: Call): void {
  scratchRegisters.fill(0);
  if (mergeKeys(call, call.key) === NOT_ONE) return;
  setInt64(scratchCardinality, estimateRegisters(scratchRegisters));
  replyInt64(call.reply, scratchCardinality);
}

/** Merges all the keys into `scratchRegisters`. Returns whether one is dense, or NOT_ONE: the error has been replied. */
function mergeKeys(call: Call, key: Key): number {
  let denseCount = 0;
  for (let index = 1; index < call.count; index++) {
    call.locate(index, key);
    const record = readHyperLogLog(call, key);
    if (record === NOT_ONE) return NOT_ONE;
    if (record === 0) continue;
    if (isDense(key.shard, record)) denseCount = 1;
    if (!mergeRecord(key.shard, record, scratchRegisters)) {
      call.reply.error(CORRUPT);
      return NOT_ONE;
    }
  }
  return denseCount;
}

function pfmergeCommand(call: Call): void {
  const { key, reply, keyspace } = call;
  const registers = scratchRegisters.fill(0);
  const denseCount = mergeKeys(call, key);
  if (denseCount === NOT_ONE) return;
  call.locate(1, key);
  const record = findHyperLogLog(call, key);
  const image = scratchImage;
  const { hyperLogLogBytes } = keyspace.packedLimits;
  takeImage(image, key.shard, record);
  // Redis: the destination becomes dense if any of the keys is, and otherwise when it grows too long.
  if (denseCount > 0) image.becomeDense();
  for (let i = 0; i < REGISTER_COUNT; i++) {
    if (registers[i] !== 0) image.raise(i, registers[i]!, hyperLogLogBytes);
  }
  markStale(image.bytes.u8, 0);
  if (putImage(keyspace, key, image)) reply.ok();
  else reply.error(OUT_OF_MEMORY);
}
