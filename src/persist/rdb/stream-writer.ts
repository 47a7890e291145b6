/**
 * Streams as the RDB format has them: each node as the id of its first entry (16 bytes) and a listpack, then what is known
 * about the whole, then the groups with all that is pending. A node's listpack:
 *
 *  live, deleted, fields, field ..., 0
 *  flags, ms - first ms, seq - first seq, value ...                entries so far        (fields of the first entry)
 *  flags, ms - first ms, seq - first seq, fields, field, value ... entries so far        (fields of its own)
 */
import { Int64 } from '../../base/int64.ts';
import type { Shard } from '../../memory/shard.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import { refAt } from '../../structures/stream/directory.ts';
import {
  consumerAt,
  consumerCount,
  consumerPending,
  consumerPendingCount,
  deliveredMs,
  entriesRead,
  groupAt,
  groupCount,
  groupLastId,
  groupPending,
  groupPendingCount,
  pointAtConsumerName,
  pointAtGroupName,
  seenMs,
  UNKNOWN_READ,
  isUnowned,
  unownedCount,
} from '../../structures/stream/groups.ts';
import { OWN_WORDS, Pending, PendingWalk } from '../../structures/stream/pending-list.ts';
import { loadId, StreamId } from '../../structures/stream/stream-id.ts';
import {
  entriesAdded,
  readStreamId,
  Stream,
  streamLength,
  streamNodes,
} from '../../structures/stream/stream-log.ts';
import { masterIdWord, nodeDeleted, nodeLive, NodeReader } from '../../structures/stream/stream-node.ts';
import { RDB_VERSION_SET_LISTPACK, RdbType } from './format.ts';
import { ListpackWriter } from './listpack-writer.ts';
import type { RdbOutput } from './output.ts';

/** Flags of an entry in a listpack. */
export const enum EntryFlag {
  Deleted = 1,
  SameFields = 2,
}

/** What an entry has in front of its fields: flags, ms, seq. */
export const ENTRY_HEAD_COUNT = 3;

const scratchListpack = new ListpackWriter();
const scratchReader = new NodeReader();
const scratchField = new EntryText();
const scratchValue = new EntryText();
const scratchId = new StreamId();
const scratchMaster = new StreamId();
const scratchZero = new StreamId();
const scratchInteger = new Int64();
const scratchWalk = new PendingWalk();

/** Version 11 tells two times of a consumer: when it was last seen, and when it last did something. */
export function streamTypeOf(version: number): RdbType {
  return version >= RDB_VERSION_SET_LISTPACK ? RdbType.Stream3 : RdbType.Stream2;
}

export function writeStream(out: RdbOutput, shard: Shard, root: number): void {
  const nodes = streamNodes(shard, root);
  const directory = shard.words[(root >> 2) + Stream.Directory]!;
  out.length(nodes);
  for (let index = 0; index < nodes; index++) writeNode(out, shard, refAt(shard, directory, index));
  out.length(streamLength(shard, root));
  for (const field of [Stream.LastId, Stream.FirstId, Stream.MaxDeletedId]) {
    readStreamId(shard, root, field, scratchId);
    out.id(scratchId);
  }
  out.length(entriesAdded(shard, root));
  const groups = groupCount(shard, root);
  out.length(groups);
  for (let index = 0; index < groups; index++) writeGroup(out, shard, groupAt(shard, root, index));
}

function writeNode(out: RdbOutput, shard: Shard, node: number): void {
  const reader = scratchReader;
  const listpack = scratchListpack;
  loadId(shard.words, masterIdWord(node), scratchMaster);
  out.length(16);
  out.rawId(scratchMaster);
  reader.open(shard, node);
  listpack.begin();
  listpack.number(nodeLive(shard, node));
  listpack.number(nodeDeleted(shard, node));
  const fields = reader.beginMasterFields();
  listpack.number(fields);
  for (let i = 0; i < fields; i++) {
    reader.nextMasterField(scratchField);
    addText(scratchField);
  }
  listpack.number(0);
  while (reader.next()) writeEntry(reader);
  listpack.finish(out);
}

function writeEntry(reader: NodeReader): void {
  const listpack = scratchListpack;
  const { id, hasMasterFields } = reader;
  listpack.number((reader.isDeleted ? EntryFlag.Deleted : 0) | (hasMasterFields ? EntryFlag.SameFields : 0));
  addDifference(id.msHi, id.msLo, scratchMaster.msHi, scratchMaster.msLo);
  addDifference(id.seqHi, id.seqLo, scratchMaster.seqHi, scratchMaster.seqLo);
  const count = reader.beginFields();
  if (!hasMasterFields) listpack.number(count);
  for (let i = 0; i < count; i++) {
    reader.nextField(scratchField, scratchValue);
    if (!hasMasterFields) addText(scratchField);
    addText(scratchValue);
  }
  listpack.number(ENTRY_HEAD_COUNT + (hasMasterFields ? count : 1 + count * 2));
}

function addText(text: EntryText): void {
  scratchListpack.text(text.bytes, text.at, text.byteCount);
}

/** Adds a - b, 64 bits of each, to the listpack. */
function addDifference(aHi: number, aLo: number, bHi: number, bLo: number): void {
  const low = (aLo >>> 0) - (bLo >>> 0);
  scratchInteger.lo = low | 0;
  scratchInteger.hi = (aHi - bHi - (low < 0 ? 1 : 0)) | 0;
  scratchListpack.integer(scratchInteger);
}

function writeGroup(out: RdbOutput, shard: Shard, group: number): void {
  const text = scratchField;
  pointAtGroupName(shard, group, text);
  out.text(text.bytes, text.at, text.byteCount);
  groupLastId(shard, group, scratchId);
  out.id(scratchId);
  const read = entriesRead(shard, group);
  if (read === UNKNOWN_READ) out.wideLength(-1, -1);
  else out.length(read);
  const list = groupPending(group);
  out.length(groupPendingCount(shard, group));
  scratchWalk.start(shard, list, Pending.Words, scratchZero);
  for (;;) {
    const word = scratchWalk.next(shard, list, Pending.Words);
    if (word === 0) break;
    loadId(shard.words, word, scratchId);
    out.rawId(scratchId);
    out.time(deliveredMs(shard, word));
    out.length(shard.words[word + Pending.Times]! >>> 0);
  }
  writeConsumers(out, shard, group);
}

/**
 * The consumers of a group. These formats know no entries that belong to nobody, which consumers have given back: they are
 * written as those of a consumer without a name, delivered at 0, so that whoever claims next has them all the same.
 */
function writeConsumers(out: RdbOutput, shard: Shard, group: number): void {
  const count = consumerCount(shard, group);
  const unowned = unownedCount(shard, group);
  const isFirstNameless = count > 0 && isNameless(shard, consumerAt(shard, group, 0));
  const hasOneMore = unowned > 0 && !isFirstNameless;
  out.length(count + (hasOneMore ? 1 : 0));
  if (hasOneMore) {
    out.text(scratchField.bytes, scratchField.at, 0);
    out.time(0);
    if (streamTypeOf(out.version) === RdbType.Stream3) out.time(0);
    out.length(unowned);
    writeUnowned(out, shard, group);
  }
  for (let index = 0; index < count; index++) {
    const more = index === 0 && isFirstNameless ? unowned : 0;
    writeConsumer(out, shard, consumerAt(shard, group, index), more);
    if (more > 0) writeUnowned(out, shard, group);
  }
}

function isNameless(shard: Shard, consumer: number): boolean {
  pointAtConsumerName(shard, consumer, scratchField);
  return scratchField.byteCount === 0;
}

function writeUnowned(out: RdbOutput, shard: Shard, group: number): void {
  const list = groupPending(group);
  scratchWalk.start(shard, list, Pending.Words, scratchZero);
  for (;;) {
    const word = scratchWalk.next(shard, list, Pending.Words);
    if (word === 0) return;
    if (!isUnowned(shard, word)) continue;
    loadId(shard.words, word, scratchId);
    out.rawId(scratchId);
  }
}

/** A consumer and its entries, behind which `more` are to be written. */
function writeConsumer(out: RdbOutput, shard: Shard, consumer: number, more: number): void {
  const text = scratchField;
  pointAtConsumerName(shard, consumer, text);
  out.text(text.bytes, text.at, text.byteCount);
  out.time(seenMs(shard, consumer));
  if (streamTypeOf(out.version) === RdbType.Stream3) out.time(seenMs(shard, consumer));
  const list = consumerPending(consumer);
  out.length(consumerPendingCount(shard, consumer) + more);
  scratchWalk.start(shard, list, OWN_WORDS, scratchZero);
  for (;;) {
    const word = scratchWalk.next(shard, list, OWN_WORDS);
    if (word === 0) return;
    loadId(shard.words, word, scratchId);
    out.rawId(scratchId);
  }
}
