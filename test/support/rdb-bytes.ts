/** Bytes of RDB files put together by hand: the words of the format, and the packed forms that no server writes any more. */

export type Part = Uint8Array | string | number;

/** Numbers are single bytes, texts latin1. */
export function bytes(...parts: readonly Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'number'
        ? Buffer.from([part])
        : typeof part === 'string'
          ? Buffer.from(part, 'latin1')
          : part,
    ),
  );
}

export function u16(value: number): Buffer {
  return bytes(value & 0xff, value >> 8);
}

export function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

export function u64(value: number | bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return buffer;
}

export function f64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleLE(value);
  return buffer;
}

/** A short text: its length in one byte, which is below 64. */
export function text(value: Part): Buffer {
  const content = bytes(value);
  if (content.length >= 64) return bytes(0x40 | (content.length >> 8), content.length & 0xff, content);
  return bytes(content.length, content);
}

/** An entry of a ziplist: an integer of the smallest form, or a string of less than 64 bytes. */
function ziplistEntry(value: number | string, previousBytes: number): Buffer {
  const previous = previousBytes < 254 ? bytes(previousBytes) : bytes(254, u32(previousBytes));
  if (typeof value === 'string') {
    const { length } = value;
    const form = length < 64 ? bytes(length) : bytes(0x40 | (length >> 8), length & 0xff);
    return bytes(previous, form, value);
  }
  if (value >= 0 && value <= 12) return bytes(previous, 0xf1 + value);
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64LE(BigInt(value));
  if (value >= -128 && value < 128) return bytes(previous, 0xfe, buffer.subarray(0, 1));
  if (value >= -32768 && value < 32768) return bytes(previous, 0xc0, buffer.subarray(0, 2));
  if (value >= -8388608 && value < 8388608) return bytes(previous, 0xf0, buffer.subarray(0, 3));
  if (value >= -(2 ** 31) && value < 2 ** 31) return bytes(previous, 0xd0, buffer.subarray(0, 4));
  return bytes(previous, 0xe0, buffer);
}

export function ziplist(...values: readonly (number | string)[]): Buffer {
  const entries: Buffer[] = [];
  for (const value of values) entries.push(ziplistEntry(value, entries.at(-1)?.length ?? 0));
  const body = Buffer.concat(entries);
  const lastAt = 10 + body.length - (entries.at(-1)?.length ?? 0);
  return bytes(u32(11 + body.length), u32(lastAt), u16(values.length), body, 255);
}

/** A listpack of integers from -4096 to 4095, large ones in eight bytes, and strings of less than 64 bytes. */
export function listpack(...values: readonly (number | string)[]): Buffer {
  const entries = values.map((value) => {
    let entry: Buffer;
    if (typeof value === 'string') entry = bytes(0x80 | value.length, value);
    else if (value >= 0 && value < 128) entry = bytes(value);
    else if (value >= -4096 && value < 4096) entry = bytes(0xc0 | ((value >> 8) & 0x1f), value & 0xff);
    else entry = bytes(0xf4, u64(value));
    return bytes(entry, entry.length);
  });
  const body = Buffer.concat(entries);
  return bytes(u32(7 + body.length), u16(values.length), body, 255);
}

export function intset(width: 2 | 4 | 8, ...values: readonly number[]): Buffer {
  const integers = values.map((value) => u64(value).subarray(0, width));
  return bytes(u32(width), u32(values.length), ...integers);
}

/** Fields and values in turn; `unused` bytes stand behind each value. */
export function zipmap(unused: number, ...values: readonly string[]): Buffer {
  const entries = values.map((value, index) => {
    const length = value.length < 254 ? bytes(value.length) : bytes(254, u32(value.length));
    return index % 2 === 0 ? bytes(length, value) : bytes(length, unused, value, Buffer.alloc(unused));
  });
  return bytes(values.length / 2, ...entries, 255);
}

/** An id of sixteen bytes. */
export function rawId(ms: number, seq: number): Buffer {
  return bytes(u64(ms).reverse(), u64(seq).reverse());
}

/** A whole file around entries. */
export function rdbFile(version: number, ...parts: readonly Part[]): Buffer {
  const head = `REDIS${String(version).padStart(4, '0')}`;
  return bytes(head, ...parts, 255, ...(version >= 5 ? [u64(0)] : []));
}
