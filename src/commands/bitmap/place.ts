/** What the bitmap commands share: reading offsets of bits, and making a string long enough to have one. */
import { Int64, int64ToBigInt, int64ToNumber, parseInt64 } from '../../base/int64.ts';
import { Encoding, setRecordKind, valueAt, valueBytes, ValueType } from '../../store/record.ts';
import type { Call } from '../row.ts';
import { resizeValue } from '../../store/record-room.ts';

/** Instead of an offset: the request is no good, and the error has been replied. */
export const BAD_OFFSET = -1;

const OFFSET_ERROR = 'ERR bit offset is not an integer or out of range';
const HASH = 0x23;
const scratchOffset = new Int64();

/**
 * Reads argument `index` as the offset of a bit. With `fieldBits`, `#n` is that of the n-th field of so many bits. Returns
 * it, or BAD_OFFSET.
 */
export function parseBitOffset(call: Call, index: number, fieldBits: number): number {
  const at = call.args[index * 2]!;
  const end = at + call.args[index * 2 + 1]!;
  const { u8 } = call.source;
  const isField = fieldBits > 0 && end > at && u8[at] === HASH;
  if (!parseInt64(u8, isField ? at + 1 : at, end, scratchOffset)) return refuse(call);
  let offset = int64ToNumber(scratchOffset);
  if (isField) {
    offset *= fieldBits;
    // Redis: the product is one of 64 bits, and may come round to a small one.
    if (!Number.isSafeInteger(offset)) {
      offset = Number(BigInt.asIntN(64, int64ToBigInt(scratchOffset) * BigInt(fieldBits)));
    }
  }
  if (offset < 0 || Math.floor(offset / 8) >= call.keyspace.stringBytesMax) return refuse(call);
  return offset;
}

function refuse(call: Call): number {
  call.reply.error(OFFSET_ERROR);
  return BAD_OFFSET;
}

/** Whether the last `makeBits` has made the string longer. */
export const resizedBits = { hasGrown: false };

/**
 * Makes the string that has been looked for under the call's key, or a new one, at least `byteCount` bytes long, what
 * is added being zeros. Redis: it is raw from then on. Returns the record, or 0, nothing changed: out of memory.
 */
export function makeBits(call: Call, byteCount: number): number {
  const { key, keyspace } = call;
  const { shard } = key;
  const oldBytes = key.record === 0 ? 0 : valueBytes(shard, key.record);
  let { record } = key;
  resizedBits.hasGrown = record === 0 || oldBytes < byteCount;
  if (record === 0) record = keyspace.createString(key, byteCount);
  else if (oldBytes < byteCount) record = resizeValue(key, byteCount, true);
  if (record === 0) return 0;
  setRecordKind(shard, record, ValueType.String, Encoding.Raw);
  if (resizedBits.hasGrown) {
    const at = valueAt(shard, record);
    shard.bytes.u8.fill(0, at + oldBytes, at + byteCount);
  }
  return record;
}
