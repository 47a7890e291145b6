/**
 * Values of records as the RDB format has them, straight off the structures: strings, lists and sets here, hashes, sorted
 * sets and streams in files of their own. The shard's lock is held; nothing is changed.
 */
import { Bytes } from '../../base/bytes.ts';
import { chainNodes, placeCount, placeNode } from '../../structures/list/chain.ts';
import { runBytes, runStart } from '../../structures/list/node.ts';
import { PACK_HEAD_BYTES, packCount } from '../../structures/list/pack.ts';
import { EntryText, entryBytesAt } from '../../structures/packed-entry.ts';
import { integerSetCount } from '../../structures/set/integer-set.ts';
import { pointAtMember, visitMembers } from '../../structures/member-table.ts';
import { PACKED_SET_HEADER_BYTES, packedSetCount } from '../../structures/set/packed-set.ts';
import { tableCount } from '../../structures/table.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  Encoding,
  recordEncoding,
  recordType,
  rootOf,
  valueAt,
  valueBytes,
  ValueType,
} from '../../store/record.ts';
import { copyBytes } from '../../base/bytes.ts';
import { PACKED_NODE, RDB_VERSION_SET_LISTPACK, RdbType } from './format.ts';
import { hashTypeOf, writeHash } from './hash-writer.ts';
import { ListpackWriter } from './listpack-writer.ts';
import type { RdbOutput } from './output.ts';
import { writeSortedSet } from './sorted-set-writer.ts';
import { streamTypeOf, writeStream } from './stream-writer.ts';

const INTSET_HEAD_BYTES = 8;

const scratchListpack = new ListpackWriter();
const scratchText = new EntryText();

/** How the value of a record is written in a version of the format. */
export function rdbTypeOf(shard: Shard, record: number, version: number): RdbType {
  const encoding = recordEncoding(shard, record);
  switch (recordType(shard, record)) {
    case ValueType.String:
      return RdbType.String;
    case ValueType.List:
      return RdbType.ListQuicklist2;
    case ValueType.Set:
      if (encoding === Encoding.IntegerSet) return RdbType.IntegerSet;
      return encoding === Encoding.Packed && version >= RDB_VERSION_SET_LISTPACK
        ? RdbType.SetListpack
        : RdbType.Set;
    case ValueType.SortedSet:
      return encoding === Encoding.Packed ? RdbType.SortedSetListpack : RdbType.SortedSet;
    case ValueType.Hash:
      return hashTypeOf(shard, record, version);
    case ValueType.Stream:
      return streamTypeOf(version);
  }
}

/** Writes the value of a record, of the type that `rdbTypeOf` tells. Hot for strings. */
export function writeValue(out: RdbOutput, shard: Shard, record: number): void {
  switch (recordType(shard, record)) {
    case ValueType.String:
      return out.text(shard.bytes, valueAt(shard, record), valueBytes(shard, record));
    case ValueType.List:
      return writeList(out, shard, record);
    case ValueType.Set:
      return writeSet(out, shard, record);
    case ValueType.SortedSet:
      return writeSortedSet(out, shard, record);
    case ValueType.Hash:
      return writeHash(out, shard, record);
    case ValueType.Stream:
      return writeStream(out, shard, rootOf(shard, record));
  }
}

function writeList(out: RdbOutput, shard: Shard, record: number): void {
  if (recordEncoding(shard, record) !== Encoding.Chain) {
    const at = valueAt(shard, record);
    const runAt = at + PACK_HEAD_BYTES;
    out.length(1);
    return writeRun(
      out,
      shard,
      runAt,
      valueBytes(shard, record) - PACK_HEAD_BYTES,
      packCount(shard.bytes, at),
    );
  }
  const root = rootOf(shard, record);
  const nodes = chainNodes(shard, root);
  out.length(nodes);
  for (let index = 0; index < nodes; index++) {
    const node = placeNode(shard, root, index);
    writeRun(out, shard, runStart(shard, node), runBytes(shard, node), placeCount(shard, root, index));
  }
}

/** A run of entries as a node of a quicklist. */
function writeRun(out: RdbOutput, shard: Shard, at: number, byteCount: number, count: number): void {
  out.length(PACKED_NODE);
  scratchListpack.begin();
  scratchListpack.run(shard.bytes, at, byteCount, count);
  scratchListpack.finish(out);
}

function writeSet(out: RdbOutput, shard: Shard, record: number): void {
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.IntegerSet) return writeIntegerSet(out, shard, record);
  if (encoding === Encoding.Packed) return writePackedSet(out, shard, record);
  const table = rootOf(shard, record);
  const text = scratchText;
  out.length(tableCount(shard, table));
  visitMembers(shard, table, (_hash, block) => {
    pointAtMember(shard, block, text);
    out.text(text.bytes, text.at, text.byteCount);
  });
}

/** Redis' intset: width and count in 32 bits each, then the integers. */
function writeIntegerSet(out: RdbOutput, shard: Shard, record: number): void {
  const at = valueAt(shard, record);
  const byteCount = valueBytes(shard, record);
  const contentBytes = byteCount - 1;
  const blob = Bytes.allocate(INTSET_HEAD_BYTES + contentBytes);
  blob.view.setUint32(0, shard.bytes.u8[at]!, true);
  blob.view.setUint32(4, integerSetCount(shard.bytes, at, byteCount), true);
  copyBytes(shard.bytes, at + 1, blob, INTSET_HEAD_BYTES, contentBytes);
  out.text(blob, 0, INTSET_HEAD_BYTES + contentBytes);
}

function writePackedSet(out: RdbOutput, shard: Shard, record: number): void {
  const { bytes } = shard;
  const at = valueAt(shard, record);
  const end = at + valueBytes(shard, record);
  const isListpack = out.version >= RDB_VERSION_SET_LISTPACK;
  if (isListpack) scratchListpack.begin();
  else out.length(packedSetCount(bytes, at));
  for (let entry = at + PACKED_SET_HEADER_BYTES; entry < end; entry += entryBytesAt(bytes, entry)) {
    if (isListpack) scratchListpack.entry(bytes, entry);
    else {
      scratchText.point(bytes, entry);
      out.text(scratchText.bytes, scratchText.at, scratchText.byteCount);
    }
  }
  if (isListpack) scratchListpack.finish(out);
}
