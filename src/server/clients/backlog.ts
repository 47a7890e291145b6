/** Output that a socket has not taken yet, in order. Short pieces are gathered, so that a client which does not read costs
 *  about what it is owed, and few writes once it reads again. */

/** Pieces shorter than this are copied into a part that has room, longer ones kept as they are. */
const COPIED_BYTES_MAX = 4096;
const PART_BYTES = 16384;

interface Part {
  readonly bytes: Uint8Array;
  /** What is still to be sent: bytes[at, end). */
  at: number;
  end: number;
}

/** Most connections never have a part. */
const NO_PARTS: Part[] = [];

export class Backlog {
  private parts = NO_PARTS;
  private first = 0;
  /** Bytes not sent yet. */
  byteCount = 0;
  /** The last part, when more may be copied behind what it holds. */
  private open: Part | null = null;

  /** Parts there are. */
  get partCount(): number {
    return this.parts.length - this.first;
  }

  /** Adds `bytes`, which nobody changes any more. */
  append(bytes: Uint8Array): void {
    this.byteCount += bytes.length;
    if (this.parts === NO_PARTS) this.parts = [];
    if (bytes.length >= COPIED_BYTES_MAX) {
      this.parts.push({ bytes, at: 0, end: bytes.length });
      this.open = null;
      return;
    }
    if (this.open === null || this.open.bytes.length - this.open.end < bytes.length) {
      this.open = { bytes: Buffer.allocUnsafeSlow(PART_BYTES), at: 0, end: 0 };
      this.parts.push(this.open);
    }
    this.open.bytes.set(bytes, this.open.end);
    this.open.end += bytes.length;
  }

  /** Adds `bytes`, which nobody changes any more, as they are: for what is sent before long, and needs no room behind it. */
  appendWhole(bytes: Uint8Array): void {
    this.byteCount += bytes.length;
    if (this.parts === NO_PARTS) this.parts = [];
    this.parts.push({ bytes, at: 0, end: bytes.length });
    this.open = null;
  }

  /**
   * Hands parts to `write`, which returns how many of the bytes it has taken, until one is not taken whole or none is
   * left. A negative answer is passed on. `whenSent` is told of the memory of each part that was sent.
   */
  send(
    write: (bytes: Uint8Array, at: number, byteCount: number) => number,
    whenSent: (byteCount: number) => void,
  ): number {
    while (this.first < this.parts.length) {
      const part = this.parts[this.first]!;
      const byteCount = part.end - part.at;
      const taken = write(part.bytes, part.at, byteCount);
      if (taken < 0) return taken;
      this.byteCount -= taken;
      part.at += taken;
      if (taken < byteCount) return taken;
      this.first++;
      if (part === this.open) this.open = null;
      whenSent(part.bytes.buffer.byteLength);
    }
    this.clear();
    return 0;
  }

  /** Forgets everything. */
  clear(): void {
    this.parts = NO_PARTS;
    this.first = 0;
    this.byteCount = 0;
    this.open = null;
  }
}
