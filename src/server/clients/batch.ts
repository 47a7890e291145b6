/**
 * Messages that many clients of one worker are sent alike, gathered until they are sent: they are written once, however
 * many hear them, and each client costs no more than one write of the same bytes.
 *
 * A batch is open while all whom it is for are to be sent just what it holds next. It is closed when one of them is told
 * something else, when who listens changes, when it is large, and when everything is sent; messages after that go into
 * another. So each client gets everything in the order in which it was told.
 */
import { Bytes } from '../../base/bytes.ts';

/** A batch with more than this is closed: then its clients' limits are looked at, and who is over one gets no more. */
const BATCH_BYTES_MAX = 65536;
/** Buffers begin with so many bytes and double. */
const BUFFER_BYTES_MIN = 1024;
/** Buffers kept of each size for the next batches. */
const SPARE_COUNT_MAX = 8;
const SIZE_COUNT = 32 - Math.clz32(BATCH_BYTES_MAX / BUFFER_BYTES_MIN);
const NOTHING = new Uint8Array(0);

/** Buffers for batches. */
export class BatchBuffers {
  /** By the power of two, from BUFFER_BYTES_MIN on. */
  private readonly spare: Bytes[][] = Array.from({ length: SIZE_COUNT }, () => []);

  /** One of at least `byteCount` bytes. */
  take(byteCount: number): Bytes {
    const size = sizeIndex(byteCount);
    if (size >= SIZE_COUNT) return Bytes.allocate(byteCount);
    return this.spare[size]!.pop() ?? Bytes.allocate(BUFFER_BYTES_MIN << size);
  }

  giveBack(buffer: Bytes): void {
    const spare = this.spare[sizeIndex(buffer.u8.length)];
    if (spare !== undefined && spare.length < SPARE_COUNT_MAX) spare.push(buffer);
  }
}

/** Of the smallest buffer that takes so many bytes. */
function sizeIndex(byteCount: number): number {
  return byteCount <= BUFFER_BYTES_MIN ? 0 : 32 - Math.clz32((byteCount - 1) / BUFFER_BYTES_MIN);
}

export class Batch {
  private readonly buffers: BatchBuffers;
  private buffer: Bytes | null = null;
  private byteCount = 0;
  isOpen = true;
  /** What it holds, once it is closed: nobody changes that any more. */
  private closedContent: Uint8Array = NOTHING;
  private keptContent: Uint8Array | null = null;

  constructor(buffers: BatchBuffers) {
    this.buffers = buffers;
  }

  /** Makes room for a message of so many bytes, which must be written from `end - byteCount` on into what is returned. */
  add(byteCount: number): Bytes {
    const end = this.byteCount + byteCount;
    let { buffer } = this;
    if (buffer === null || buffer.u8.length < end) buffer = this.grow(end);
    this.byteCount = end;
    return buffer;
  }

  private grow(byteCount: number): Bytes {
    const old = this.buffer;
    const larger = this.buffers.take(byteCount);
    if (old !== null) {
      old.u8.copy(larger.u8, 0, 0, this.byteCount);
      this.buffers.giveBack(old);
    }
    this.buffer = larger;
    return larger;
  }

  /** Bytes it holds. */
  get end(): number {
    return this.byteCount;
  }

  get isLarge(): boolean {
    return this.byteCount >= BATCH_BYTES_MAX;
  }

  /** Lets nothing more in; what it holds stays in memory of its own, no larger than that. */
  seal(): void {
    if (!this.isOpen) return;
    this.close();
    const isExact = this.buffer?.u8.length === this.byteCount;
    if (!isExact) {
      this.closedContent = this.kept;
      this.free();
    }
    this.buffer = null;
  }

  /** Lets nothing more in. What it holds is there until `free`. */
  close(): void {
    this.isOpen = false;
    if (this.buffer !== null) this.closedContent = this.buffer.u8.subarray(0, this.byteCount);
  }

  get content(): Uint8Array {
    return this.closedContent;
  }

  /** The same, for who keeps it: everybody is given the same copy. */
  get kept(): Uint8Array {
    if (this.buffer === null) return this.closedContent;
    return (this.keptContent ??= Buffer.from(this.closedContent));
  }

  /** Those whom it was for have been sent it. */
  free(): void {
    if (this.buffer !== null) this.buffers.giveBack(this.buffer);
    this.buffer = null;
  }
}
