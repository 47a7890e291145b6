/** The bytes by which a client is told that what it has read is out of date. */

import { Bytes, copyBytes } from '../../base/bytes.ts';
import { bulkBytes, writeBulk } from '../pubsub/message.ts';

/** A client as far as it matters how it is told. */
export interface Told {
  version: 2 | 3;
  /** What it listens to, if anything. */
  readonly subscriptions: object | null;
  /** Sends it a copy of `message[0, byteCount)`. */
  deliverCopy(message: Bytes, byteCount: number): void;
}

const PUSH = Buffer.from('>2\r\n$10\r\ninvalidate\r\n');
const CHANNEL = '__redis__:invalidate';
const MESSAGE = Buffer.from(`*3\r\n$7\r\nmessage\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n`);
const BROKEN = 'tracking-redir-broken';

/** An array of keys, which are given as latin1. */
export function formatKeys(keys: readonly string[]): Uint8Array {
  let text = `*${keys.length}\r\n`;
  for (const key of keys) text += `$${key.length}\r\n${key}\r\n`;
  return Buffer.from(text, 'latin1');
}

/** Everything has changed. Redis: in the protocol of the client that tracks, whoever is told. */
export function formatNull(version: 2 | 3): Uint8Array {
  return Buffer.from(version === 3 ? '_\r\n' : '$-1\r\n');
}

/** What `client` is sent, or null: it cannot be told. Redis: in RESP2 only those who listen and stand in for another. */
export function toldMessage(client: Told, keys: Uint8Array, isInPlace: boolean): Uint8Array | null {
  if (client.version === 3) return Buffer.concat([PUSH, keys]);
  return isInPlace && client.subscriptions !== null ? Buffer.concat([MESSAGE, keys]) : null;
}

/** The client `id`, which was to be told in place of this one, is gone. */
export function brokenMessage(id: number): Uint8Array {
  return Buffer.from(`>2\r\n$${BROKEN.length}\r\n${BROKEN}\r\n:${id}\r\n`);
}

/** Heads of messages about one key. */
const PUSH_ONE = Bytes.fromText(`${PUSH}*1\r\n`);
const MESSAGE_ONE = Bytes.fromText(`${MESSAGE}*1\r\n`);
const SCRATCH_BYTES = 4096;
const NO_BYTES = Bytes.allocate(0);

/** That one key has changed, told to many clients: the bytes are made once for each version. */
export class KeyInvalidation {
  private bytes = NO_BYTES;
  private at = 0;
  private byteCount = 0;
  private push = Bytes.allocate(SCRATCH_BYTES);
  private pushBytes = 0;
  private message = Bytes.allocate(SCRATCH_BYTES);
  private messageBytes = 0;

  /** What follows is about the key `bytes[at, at + byteCount)`. */
  begin(bytes: Bytes, at: number, byteCount: number): void {
    this.bytes = bytes;
    this.at = at;
    this.byteCount = byteCount;
  }

  /** As `toldMessage` says. */
  tell(client: Told, isInPlace: boolean): void {
    if (client.version === 3) {
      if (this.pushBytes === 0) {
        this.push = this.roomIn(this.push, PUSH_ONE);
        this.pushBytes = this.write(this.push, PUSH_ONE);
      }
      client.deliverCopy(this.push, this.pushBytes);
    } else if (isInPlace && client.subscriptions !== null) {
      if (this.messageBytes === 0) {
        this.message = this.roomIn(this.message, MESSAGE_ONE);
        this.messageBytes = this.write(this.message, MESSAGE_ONE);
      }
      client.deliverCopy(this.message, this.messageBytes);
    }
  }

  private roomIn(buffer: Bytes, head: Bytes): Bytes {
    const byteCount = head.u8.length + bulkBytes(this.byteCount);
    return byteCount <= buffer.u8.length ? buffer : Bytes.allocate(byteCount);
  }

  private write(into: Bytes, head: Bytes): number {
    copyBytes(head, 0, into, 0, head.u8.length);
    return writeBulk(into, head.u8.length, this.bytes, this.at, this.byteCount);
  }

  /** An array of the one key. */
  keys(): Uint8Array {
    return formatKeys([this.bytes.u8.toString('latin1', this.at, this.at + this.byteCount)]);
  }

  /** Everybody has been told. */
  end(): void {
    this.bytes = NO_BYTES;
    if (this.pushBytes > SCRATCH_BYTES) this.push = Bytes.allocate(SCRATCH_BYTES);
    if (this.messageBytes > SCRATCH_BYTES) this.message = Bytes.allocate(SCRATCH_BYTES);
    this.pushBytes = 0;
    this.messageBytes = 0;
  }
}
