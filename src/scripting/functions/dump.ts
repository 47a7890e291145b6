/**
 * Libraries as FUNCTION DUMP writes them and FUNCTION RESTORE reads them: Redis' own form, so that each server can read
 * the other's. For each library a byte that says so and its code as a string of the RDB format; behind all of them the
 * version of the format (2 bytes) and a CRC-64 of everything before it.
 */

const FUNCTION = 245;
const RDB_VERSION = 10;
/** Versions above this may mean something else. */
const RDB_VERSION_MAX = 12;
const FOOTER_BYTES = 10;
const CRC_BYTES = 8;
const LZF_ENCODED = 0xc3;
const CODE_BYTES_MAX = 64 << 20;
/** Jones' polynomial, reflected. */
const POLYNOMIAL = 0x95ac9329ac4bc9b5n;

function crc64(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 0n ? crc >> 1n : (crc >> 1n) ^ POLYNOMIAL;
  }
  return crc;
}

/** The payload that holds `codes`. */
export function dumpLibraries(codes: readonly Buffer[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const code of codes) parts.push(Uint8Array.of(FUNCTION), lengthBytes(code.length), code);
  parts.push(Uint8Array.of(RDB_VERSION, 0));
  const body = Buffer.concat(parts);
  const crc = Buffer.alloc(CRC_BYTES);
  crc.writeBigUInt64LE(crc64(body));
  return Buffer.concat([body, crc]);
}

function lengthBytes(length: number): Uint8Array {
  if (length < 64) return Uint8Array.of(length);
  if (length < 16384) return Uint8Array.of(0x40 | (length >> 8), length & 0xff);
  const bytes = Buffer.alloc(5);
  bytes[0] = 0x80;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** The codes that a payload holds. A text is why it is refused. */
export function readDump(payload: Buffer): Buffer[] | string {
  const bodyBytes = payload.length - FOOTER_BYTES;
  const isSound =
    bodyBytes >= 0 &&
    payload.readUInt16LE(bodyBytes) <= RDB_VERSION_MAX &&
    payload.readBigUInt64LE(bodyBytes + 2) === crc64(payload.subarray(0, bodyBytes + 2));
  if (!isSound) return 'ERR DUMP payload version or checksum are wrong';
  const reader = new DumpReader(payload.subarray(0, bodyBytes));
  const codes: Buffer[] = [];
  while (!reader.isAtEnd) {
    if (reader.byte() !== FUNCTION) return 'ERR given type is not a function';
    const code = reader.string();
    if (code === null) return 'ERR failed loading functions payload';
    codes.push(code);
  }
  return codes;
}

class DumpReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  private length(): number {
    const first = this.byte();
    if (first < 0x40) return first;
    if (first < 0x80) return ((first & 0x3f) << 8) | this.byte();
    if (first !== 0x80 || this.at + 4 > this.bytes.length) return -1;
    this.at += 4;
    return this.bytes.readUInt32BE(this.at - 4);
  }

  /** Null: the bytes are not sound. */
  string(): Buffer | null {
    if (this.bytes[this.at] === LZF_ENCODED) {
      this.at++;
      const packedBytes = this.length();
      const byteCount = this.length();
      const packed = this.take(packedBytes);
      if (packed === null || byteCount < 0 || byteCount > CODE_BYTES_MAX) return null;
      return decompress(packed, byteCount);
    }
    return this.take(this.length());
  }

  private take(byteCount: number): Buffer | null {
    if (byteCount < 0 || this.at + byteCount > this.bytes.length) return null;
    this.at += byteCount;
    return Buffer.from(this.bytes.subarray(this.at - byteCount, this.at));
  }
}

/** Undoes LZF (Marc Lehmann's LibLZF). Null: it is none. */
function decompress(packed: Buffer, byteCount: number): Buffer | null {
  const out = Buffer.alloc(byteCount);
  let to = 0;
  let at = 0;
  while (at < packed.length) {
    const control = packed[at++]!;
    if (control < 32) {
      const end = at + control + 1;
      if (end > packed.length || to + control + 1 > byteCount) return null;
      while (at < end) out[to++] = packed[at++]!;
      continue;
    }
    let count = control >> 5;
    if (count === 7) count += packed[at++] ?? 0;
    let from = to - ((control & 31) << 8) - (packed[at++] ?? 0) - 1;
    if (from < 0 || to + count + 2 > byteCount) return null;
    for (let i = 0; i < count + 2; i++) out[to++] = out[from++]!;
  }
  return to === byteCount ? out : null;
}
