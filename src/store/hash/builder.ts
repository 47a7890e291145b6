/**
 * Building a hash apart from any key, to enter it as a whole: nobody sees it before it is complete. Small ones are gathered
 * outside the shard and take a record when they are finished; large ones fill a table.
 */
import { copyBytes } from '../../base/bytes.ts';
import { WriteBuffer } from '../../base/write-buffer.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  addTableField,
  createFieldTable,
  findTableField,
  freeFieldsSlice,
  tableExpiringCount,
  tableFieldCount,
} from '../../structures/hash/field-table.ts';
import {
  appendField,
  clearFields,
  emptyFieldsBytes,
  findPackedField,
  firstField,
  makeTimed,
  nextField,
  packedFieldCount,
  PACKED_FIELDS_MAX,
  pairBytes,
  setTimeOfField,
  timedBytes,
  valueOfField,
} from '../../structures/hash/packed-fields.ts';
import { Element, encodeElement, EntryText } from '../../structures/packed-entry.ts';
import { Building, type Text } from '../building.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import {
  Encoding,
  RecordFlag,
  ROOT_BYTES,
  setRecordFlags,
  recordFlags,
  valueAt,
  ValueType,
  writeRoot,
} from '../record.ts';
import { Status } from '../status.ts';

export class HashBuilder {
  private keyspace!: Keyspace;
  private shard!: Shard;
  /** The fields while they are few: a plain packed block, and when they expire. */
  private readonly staging = new WriteBuffer();
  private readonly times: number[] = [];
  private expiringCount = 0;
  /** The table of a large hash, or 0. */
  private root = 0;
  private readonly field = new Element();
  private readonly value = new Element();
  private readonly fieldText = new EntryText();
  private readonly valueText = new EntryText();

  begin(keyspace: Keyspace, shard: Shard): void {
    this.keyspace = keyspace;
    this.shard = shard;
    this.root = 0;
    this.staging.length = emptyFieldsBytes(false);
    clearFields(this.staging.bytes, 0, false);
    this.times.length = 0;
    this.expiringCount = 0;
  }

  get count(): number {
    return this.root === 0 ? packedFieldCount(this.staging.bytes, 0) : tableFieldCount(this.shard, this.root);
  }

  /** Adds a field with its value that expires at `timeMs`, or, if that is 0, does not. Neither text lies in the shard. */
  add(field: Text, value: Text, timeMs: number): Building {
    if (this.root !== 0) return this.addToTable(field, value, timeMs);
    const { hashEntries, hashValueBytes } = this.keyspace.packedLimits;
    const count = packedFieldCount(this.staging.bytes, 0) + 1;
    const isSmall = field.byteCount <= hashValueBytes && value.byteCount <= hashValueBytes;
    if (!isSmall || count > hashEntries || count > PACKED_FIELDS_MAX) {
      if (!this.becomeTable()) return Building.OutOfMemory;
      return this.addToTable(field, value, timeMs);
    }
    encodeElement(this.field, field.bytes, field.at, field.byteCount);
    encodeElement(this.value, value.bytes, value.at, value.byteCount);
    if (findPackedField(this.staging.bytes, 0, this.staging.length, false, this.field) !== 0)
      return Building.Duplicate;
    const added = pairBytes(this.field, this.value, false);
    this.staging.reserve(added);
    appendField(this.staging.bytes, 0, this.staging.length, false, this.field, this.value);
    this.staging.length += added;
    this.times.push(timeMs);
    if (timeMs !== 0) this.expiringCount++;
    return Building.Added;
  }

  private becomeTable(): boolean {
    this.root = createFieldTable(this.shard);
    if (this.root === 0) return false;
    const { fieldText, valueText } = this;
    const staging = this.staging.bytes;
    let fieldAt = firstField(0, false);
    for (let i = 0; i < this.times.length; i++) {
      fieldText.point(staging, fieldAt);
      valueText.point(staging, valueOfField(staging, fieldAt));
      if (this.addToTable(fieldText, valueText, this.times[i]!) !== Building.Added) return false;
      fieldAt = nextField(staging, fieldAt, false);
    }
    return true;
  }

  private addToTable(field: Text, value: Text, timeMs: number): Building {
    const { shard, root } = this;
    const hash = this.keyspace.memberHash(field.bytes, field.at, field.byteCount);
    if (findTableField(shard, root, hash, field.bytes, field.at, field.byteCount) !== 0) {
      return Building.Duplicate;
    }
    const slot = addTableField(
      shard,
      root,
      hash,
      field.bytes,
      field.at,
      field.byteCount,
      value.bytes,
      value.at,
      value.byteCount,
      timeMs,
    );
    return slot === 0 ? Building.OutOfMemory : Building.Added;
  }

  /**
   * Lets the hash, which must have fields, take the place of whatever `key` was; without an expiry. OutOfMemory: nothing
   * was changed, and the hash must be abandoned.
   */
  finish(key: Key, flags: number): Status {
    const { keyspace } = this;
    const record = this.root === 0 ? this.packedRecord(key, flags) : this.tableRecord(key, flags);
    if (record === 0) return Status.OutOfMemory;
    if (keyspace.enterRecord(key, record) !== Status.Ok) return Status.OutOfMemory;
    this.root = 0;
    this.staging.clear();
    return Status.Ok;
  }

  private tableRecord(key: Key, flags: number): number {
    const { keyspace, shard, root } = this;
    const own = tableExpiringCount(shard, root) === 0 ? 0 : RecordFlag.FieldExpiry;
    const record = keyspace.prepareRecord(key, flags | own, ValueType.Hash, Encoding.HashTable, ROOT_BYTES);
    if (record !== 0) writeRoot(shard, record, root);
    return record;
  }

  private packedRecord(key: Key, flags: number): number {
    const { keyspace, shard, times } = this;
    const { bytes: staging, length: byteCount } = this.staging;
    const isTimed = this.expiringCount !== 0;
    const encoding = isTimed ? Encoding.PackedExpiry : Encoding.Packed;
    const valueBytes = isTimed ? timedBytes(staging, 0, byteCount) : byteCount;
    const record = keyspace.prepareRecord(key, flags, ValueType.Hash, encoding, valueBytes);
    if (record === 0) return 0;
    const at = valueAt(shard, record);
    copyBytes(staging, 0, shard.bytes, at, byteCount);
    if (!isTimed) return record;
    makeTimed(shard.bytes, at, byteCount);
    let fieldAt = firstField(at, true);
    for (let i = 0; i < times.length; i++) {
      if (times[i] !== 0) setTimeOfField(shard.bytes, at, fieldAt, times[i]!);
      fieldAt = nextField(shard.bytes, fieldAt, true);
    }
    setRecordFlags(shard, record, recordFlags(shard, record) | RecordFlag.FieldExpiry);
    return record;
  }

  /** Frees what a hash that is not to be entered has taken. */
  abandon(): void {
    if (this.root !== 0) freeFieldsSlice(this.shard, this.root, 0, Infinity);
    this.root = 0;
    this.staging.clear();
  }
}
