/** Replies of memcached's text protocol, written into the buffer that all replies of a worker share. */
import { type Bytes, copyBytes } from '../base/bytes.ts';
import { formatInteger } from '../base/number.ts';
import type { RespWriter } from './resp-writer.ts';

const END = Buffer.from('END\r\n');
const VALUE = Buffer.from('VALUE ');

const enum Byte {
  CrLf = 0x0a0d,
  Space = 32,
}
/** `VALUE `, flags, length and cas with the spaces and line ends around them. */
const VALUE_FIXED_BYTES = 64;

export class MemcacheWriter {
  out: RespWriter;

  constructor(out: RespWriter) {
    this.out = out;
  }

  /** A reply of one line; `text` is without its end. */
  text(text: string): void {
    this.out.text(text);
    this.lineEnd();
  }

  /** Constant bytes, line end included. */
  raw(constant: Uint8Array): void {
    this.out.raw(constant);
  }

  end(): void {
    this.out.raw(END);
  }

  /** One item of a `get`; `cas` is left out when negative. Hot: every hit ends here. */
  value(
    key: Bytes,
    keyAt: number,
    keyBytes: number,
    clientFlags: number,
    from: Bytes,
    fromAt: number,
    byteCount: number,
    cas: number,
  ): void {
    const out = this.out;
    out.ensure(VALUE_FIXED_BYTES + keyBytes + byteCount);
    const bytes = out.bytes;
    const u8 = bytes.u8;
    let at = out.at;
    for (let i = 0; i < VALUE.length; i++) u8[at + i] = VALUE[i]!;
    at += VALUE.length;
    copyBytes(key, keyAt, bytes, at, keyBytes);
    at += keyBytes;
    u8[at] = Byte.Space;
    at = formatInteger(u8, at + 1, clientFlags);
    u8[at] = Byte.Space;
    at = formatInteger(u8, at + 1, byteCount);
    if (cas >= 0) {
      u8[at] = Byte.Space;
      at = formatInteger(u8, at + 1, cas);
    }
    bytes.view.setUint16(at, Byte.CrLf, true);
    copyBytes(from, fromAt, bytes, at + 2, byteCount);
    at += 2 + byteCount;
    bytes.view.setUint16(at, Byte.CrLf, true);
    out.at = at + 2;
  }

  /** One line of `stats`. */
  stat(name: string, value: string | number): void {
    this.text(`STAT ${name} ${value}`);
  }

  /** The first word of a meta reply: `HD`, `EN`, `VA 5`, … */
  code(text: string): void {
    this.out.text(text);
  }

  /** A flag of a meta reply without a token: a space and the flag's letter. */
  flag(letter: number): void {
    const out = this.out;
    out.ensure(2);
    const u8 = out.bytes.u8;
    u8[out.at] = Byte.Space;
    u8[out.at + 1] = letter;
    out.at += 2;
  }

  /** A flag of a meta reply with a number. */
  flagNumber(letter: number, value: number): void {
    this.flag(letter);
    const out = this.out;
    out.ensure(24);
    out.at = formatInteger(out.bytes.u8, out.at, value);
  }

  /** A token given back as it came, behind a space. */
  token(from: Bytes, fromAt: number, byteCount: number): void {
    const out = this.out;
    out.ensure(byteCount + 1);
    out.bytes.u8[out.at++] = Byte.Space;
    out.copy(from, fromAt, byteCount);
  }

  /** Bytes from elsewhere as they are. */
  copy(from: Bytes, fromAt: number, byteCount: number): void {
    this.out.copy(from, fromAt, byteCount);
  }

  lineEnd(): void {
    const out = this.out;
    out.ensure(2);
    out.bytes.view.setUint16(out.at, Byte.CrLf, true);
    out.at += 2;
  }
}
