/**
 * The bodies of scripts, shared by all workers: a log in shared memory that every worker reads as far as it has not yet.
 * A script loaded by one worker is known to all before the reply to its client.
 *
 *  store
 *   byte 0      4           8           12            16
 *        +------+-----------+-----------+-------------+-------------------------------+
 *        | lock | flushes   | log bytes | script count | length, body, length, body ... |
 *        +------+-----------+-----------+-------------+-------------------------------+
 *  Lock: everything behind it but `flushes`, which anyone may read.   Grows: a log that is full is flushed.
 */
import { createHash } from 'node:crypto';
import { Bytes } from '../base/bytes.ts';
import { SharedLock } from './shared-lock.ts';

const enum Word {
  Lock = 0,
  Flushes = 1,
  LogBytes = 2,
  Count = 3,
}

const LOG_AT = 64;
const SHA_BYTES = 40;

export class ScriptStore {
  private readonly words: Int32Array;
  private readonly bytes: Bytes;
  private readonly lock: SharedLock;
  private readonly bodies = new Map<string, Buffer>();
  private readonly onFlush: () => void;
  private flushes = 0;
  private readTo = 0;

  constructor(memory: SharedArrayBuffer, at: number, byteCount: number, onFlush: () => void) {
    this.words = new Int32Array(memory, at, LOG_AT / 4);
    this.bytes = new Bytes(memory, at, byteCount);
    this.lock = new SharedLock(this.words, Word.Lock);
    this.onFlush = onFlush;
  }

  /** The body whose SHA-1 is `sha` in lower-case hexadecimal digits, or null. */
  find(sha: string): Buffer | null {
    if (Atomics.load(this.words, Word.Flushes) !== this.flushes) this.catchUp();
    const known = this.bodies.get(sha);
    if (known !== undefined) return known;
    if (sha.length !== SHA_BYTES) return null;
    this.catchUp();
    return this.bodies.get(sha) ?? null;
  }

  /** Makes a body known to all workers. */
  add(sha: string, body: Buffer): void {
    if (this.find(sha) !== null) return;
    this.lock.with(() => {
      this.read();
      if (this.bodies.has(sha)) return;
      if (LOG_AT + this.words[Word.LogBytes]! + body.length + 4 > this.bytes.u8.length) this.empty();
      this.append(sha, body);
    });
  }

  private append(sha: string, body: Buffer): void {
    const at = LOG_AT + this.words[Word.LogBytes]!;
    if (at + body.length + 4 > this.bytes.u8.length) return;
    this.bytes.view.setUint32(at, body.length, true);
    this.bytes.u8.set(body, at + 4);
    this.words[Word.LogBytes]! += body.length + 4;
    this.words[Word.Count]!++;
    this.readTo = this.words[Word.LogBytes]!;
    this.bodies.set(sha, body);
  }

  /** Forgets every script, in all workers. */
  flush(): void {
    this.lock.with(() => this.empty());
  }

  private empty(): void {
    this.words[Word.LogBytes] = 0;
    this.words[Word.Count] = 0;
    Atomics.add(this.words, Word.Flushes, 1);
    this.read();
  }

  private catchUp(): void {
    this.lock.with(() => this.read());
  }

  /** Reads what is new. The lock is held. */
  private read(): void {
    const { words, bytes } = this;
    if (words[Word.Flushes] !== this.flushes) {
      this.flushes = words[Word.Flushes]!;
      this.readTo = 0;
      this.bodies.clear();
      this.onFlush();
    }
    while (this.readTo < words[Word.LogBytes]!) {
      const at = LOG_AT + this.readTo;
      const byteCount = bytes.view.getUint32(at, true);
      const body = Buffer.from(bytes.u8.subarray(at + 4, at + 4 + byteCount));
      this.bodies.set(sha1(body), body);
      this.readTo += byteCount + 4;
    }
  }

  get count(): number {
    return this.words[Word.Count]!;
  }

  get logBytes(): number {
    return this.words[Word.LogBytes]!;
  }
}

/** SHA-1 in lower-case hexadecimal digits: what scripts are called by. */
export function sha1(body: Uint8Array): string {
  return createHash('sha1').update(body).digest('hex');
}
