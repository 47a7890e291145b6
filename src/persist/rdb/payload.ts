/**
 * Payloads of DUMP and RESTORE: a type, a value, the version of the format (2 bytes) and a checksum of all that.
 *
 *  byte 0      1              length - 10   length - 8
 *       +------+--------------+-------------+----------+
 *       | type | value        | version u16 | crc u64  |
 *       +------+--------------+-------------+----------+
 */
import { Crc64 } from '../../base/crc64.ts';
import type { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import { RecordFlag, recordFlags } from '../../store/record.ts';
import {
  PAYLOAD_FOOTER_BYTES,
  RDB_VERSION_DEFAULT,
  RDB_VERSION_FIELD_EXPIRY,
  RDB_VERSION_MAX,
} from './format.ts';
import { appendChecksum, type RdbOutput } from './output.ts';
import { rdbTypeOf, writeValue } from './value-writer.ts';

const scratchCrc = new Crc64();

/**
 * Writes the payload of a record, whose shard's lock is held, to `out`, which must be empty. Its version is that of
 * redis-server 7.0 unless fields of the hash expire, which older servers cannot be told.
 */
export function writePayload(out: RdbOutput, shard: Shard, record: number): void {
  const isTimed = (recordFlags(shard, record) & RecordFlag.FieldExpiry) !== 0;
  out.version = isTimed ? RDB_VERSION_FIELD_EXPIRY : RDB_VERSION_DEFAULT;
  out.byte(rdbTypeOf(shard, record, out.version));
  writeValue(out, shard, record);
  appendFooter(out, out.version);
}

/** Ends a payload. */
export function appendFooter(out: RdbOutput, version: number): void {
  out.byte(version & 0xff);
  out.byte(version >> 8);
  scratchCrc.reset();
  appendChecksum(out.buffer, scratchCrc, 0);
}

/** Bytes of the value in a payload, its type included, or -1: its version or checksum is wrong. */
export function payloadBodyBytes(bytes: Bytes, at: number, byteCount: number): number {
  const bodyBytes = byteCount - PAYLOAD_FOOTER_BYTES;
  if (bodyBytes < 0) return -1;
  const { view } = bytes;
  const versionAt = at + bodyBytes;
  if (view.getUint16(versionAt, true) > RDB_VERSION_MAX) return -1;
  scratchCrc.reset();
  scratchCrc.update(view, at, versionAt + 2);
  const isSound =
    view.getInt32(versionAt + 2, true) === scratchCrc.lo &&
    view.getInt32(versionAt + 6, true) === scratchCrc.hi;
  return isSound ? bodyBytes : -1;
}
