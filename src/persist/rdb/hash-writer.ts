/**
 * Hashes as the RDB format has them. With fields that expire there are two more types from version 12 on:
 *
 *  HashListpackTimed   the earliest time (8 bytes), a listpack of field, value and time, the earliest first, 0 = none
 *  HashTimed           the earliest time, the count, and for each field: time - earliest + 1 (0 = none), field, value
 *
 *  Before that version the times stand in an aux field of our own in front of the entry: six bytes for each field, in the
 *  order in which the fields are written.
 */
import { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  Encoding,
  recordEncoding,
  RecordFlag,
  recordFlags,
  rootOf,
  valueAt,
  valueBytes,
} from '../../store/record.ts';
import {
  pointAtBlockField,
  pointAtBlockValue,
  tableExpiringCount,
  tableFieldCount,
  tableOfFields,
  timeOfBlock,
} from '../../structures/hash/field-table.ts';
import {
  firstField,
  nextField,
  packedFieldCount,
  timeOfField,
  valueOfField,
  writeTime,
} from '../../structures/hash/packed-fields.ts';
import { visitMembers } from '../../structures/member-table.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import { AUX_FIELD_EXPIRY, Opcode, RDB_VERSION_FIELD_EXPIRY, RdbType } from './format.ts';
import { ListpackWriter } from './listpack-writer.ts';
import type { RdbOutput } from './output.ts';

/** Bytes of a time in the aux field. */
export const AUX_TIME_BYTES = 6;

const scratchListpack = new ListpackWriter();
const scratchText = new EntryText();
const scratchEntries: { at: number; timeMs: number }[] = [];

function isTimed(shard: Shard, record: number): boolean {
  return (recordFlags(shard, record) & RecordFlag.FieldExpiry) !== 0;
}

export function hashTypeOf(shard: Shard, record: number, version: number): RdbType {
  const isTable = recordEncoding(shard, record) === Encoding.HashTable;
  if (version >= RDB_VERSION_FIELD_EXPIRY && isTimed(shard, record)) {
    return isTable ? RdbType.HashTimed : RdbType.HashListpackTimed;
  }
  return isTable ? RdbType.Hash : RdbType.HashListpack;
}

export function writeHash(out: RdbOutput, shard: Shard, record: number): void {
  const withTimes = out.version >= RDB_VERSION_FIELD_EXPIRY && isTimed(shard, record);
  if (recordEncoding(shard, record) === Encoding.HashTable) {
    writeTable(out, shard, rootOf(shard, record), withTimes);
  } else if (withTimes) writeTimedPacked(out, shard, record);
  else writePacked(out, shard, record);
}

function writePacked(out: RdbOutput, shard: Shard, record: number): void {
  const { bytes } = shard;
  const timed = recordEncoding(shard, record) === Encoding.PackedExpiry;
  const at = valueAt(shard, record);
  scratchListpack.begin();
  let fieldAt = firstField(at, timed);
  for (let left = packedFieldCount(bytes, at); left > 0; left--) {
    scratchListpack.entry(bytes, fieldAt);
    scratchListpack.entry(bytes, valueOfField(bytes, fieldAt));
    fieldAt = nextField(bytes, fieldAt, timed);
  }
  scratchListpack.finish(out);
}

/** Packed fields with their times, ordered by them, those without behind all others. */
function writeTimedPacked(out: RdbOutput, shard: Shard, record: number): void {
  const { bytes } = shard;
  const end = valueAt(shard, record) + valueBytes(shard, record);
  const entries = scratchEntries;
  entries.length = 0;
  let fieldAt = firstField(valueAt(shard, record), true);
  for (; fieldAt < end; fieldAt = nextField(bytes, fieldAt, true)) {
    entries.push({ at: fieldAt, timeMs: timeOfField(bytes, fieldAt) });
  }
  entries.sort((a, b) => (a.timeMs || Infinity) - (b.timeMs || Infinity) || a.at - b.at);
  out.time(entries[0]!.timeMs);
  scratchListpack.begin();
  for (const { at, timeMs } of entries) {
    scratchListpack.entry(bytes, at);
    scratchListpack.entry(bytes, valueOfField(bytes, at));
    scratchListpack.number(timeMs);
  }
  scratchListpack.finish(out);
}

function writeTable(out: RdbOutput, shard: Shard, root: number, withTimes: boolean): void {
  const table = tableOfFields(shard, root);
  const text = scratchText;
  const earliestMs = withTimes ? earliestOf(shard, root) : 0;
  if (withTimes) out.time(earliestMs);
  out.length(tableFieldCount(shard, root));
  visitMembers(shard, table, (_hash, block) => {
    if (withTimes) {
      const timeMs = timeOfBlock(shard, block);
      out.length(timeMs === 0 ? 0 : timeMs - earliestMs + 1);
    }
    pointAtBlockField(shard, block, text);
    out.text(text.bytes, text.at, text.byteCount);
    pointAtBlockValue(shard, block, text);
    out.text(text.bytes, text.at, text.byteCount);
  });
}

/** The earliest time of the fields of a table, of which some have one. */
function earliestOf(shard: Shard, root: number): number {
  let earliestMs = Infinity;
  visitMembers(shard, tableOfFields(shard, root), (_hash, block) => {
    const timeMs = timeOfBlock(shard, block);
    if (timeMs !== 0 && timeMs < earliestMs) earliestMs = timeMs;
  });
  return earliestMs;
}

/** Writes the times of the fields of a hash, of which some expire, as the aux field described above. */
export function writeFieldTimesAux(out: RdbOutput, shard: Shard, record: number): void {
  const { bytes } = shard;
  const isTable = recordEncoding(shard, record) === Encoding.HashTable;
  const root = isTable ? rootOf(shard, record) : 0;
  if (isTable && tableExpiringCount(shard, root) === 0) return;
  const at = valueAt(shard, record);
  const count = isTable ? tableFieldCount(shard, root) : packedFieldCount(bytes, at);
  const times = Bytes.allocate(count * AUX_TIME_BYTES);
  let timeAt = 0;
  const add = (timeMs: number): void => {
    writeTime(times, timeAt, timeMs);
    timeAt += AUX_TIME_BYTES;
  };
  if (isTable) {
    visitMembers(shard, tableOfFields(shard, root), (_hash, block) => add(timeOfBlock(shard, block)));
  } else {
    let fieldAt = firstField(at, true);
    for (let left = count; left > 0; left--) {
      add(timeOfField(bytes, fieldAt));
      fieldAt = nextField(bytes, fieldAt, true);
    }
  }
  out.byte(Opcode.Aux);
  out.words(AUX_FIELD_EXPIRY);
  out.text(times, 0, times.u8.length);
}
