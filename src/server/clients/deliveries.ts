/**
 * Out-of-band messages on their way to the clients of one worker: a client is told something that it has not asked for
 * while another one's requests are being run. They are kept with the client and sent together when that one has its
 * replies, so that each subscriber costs one write however many messages a read has brought, and no command waits for
 * a socket.
 */
import { Batch, BatchBuffers } from './batch.ts';
import type { Outbox } from './outbox.ts';

/** A connection as far as deliveries know it. */
export interface Receiver {
  /** Hands what was delivered to the socket. */
  sendDeliveries(): void;
}

/** Messages of a receiver are joined in a buffer of this size, larger ones in one of their own. */
const JOINED_BYTES = 65536;

export class Deliveries {
  private readonly outbox: Outbox;
  private waiting: Receiver[] = [];
  private readonly senders: (() => void)[] = [];
  private readonly scratch = Buffer.allocUnsafeSlow(JOINED_BYTES);
  private readonly buffers = new BatchBuffers();
  /** Batches that have been opened since everything was sent. */
  private batches: Batch[] = [];
  private isScheduled = false;
  /** Whose requests are being run: what it is told goes into its replies. */
  served: Receiver | null = null;
  private isPending = false;

  constructor(outbox: Outbox) {
    this.outbox = outbox;
    outbox.whenSent = () => this.flush();
  }

  /** Calls `sender` whenever deliveries are sent: for what goes to other workers. */
  whenFlushed(sender: () => void): void {
    this.senders.push(sender);
  }

  /** `receiver` has something to be sent. Only once until `sendDeliveries`. */
  add(receiver: Receiver): void {
    this.waiting.push(receiver);
    this.mark();
  }

  /** A batch for receivers that are then added, closed when it is sent to them. */
  openBatch(): Batch {
    const batch = new Batch(this.buffers);
    this.batches.push(batch);
    return batch;
  }

  /** Something is to be sent, by a receiver or by one of the senders. */
  mark(): void {
    this.isPending = true;
    this.outbox.hasDeliveries = true;
    // When who is being served has been, the outbox sends everything.
    if (this.isScheduled || this.served !== null) return;
    this.isScheduled = true;
    queueMicrotask(this.sendMarked);
  }

  private readonly sendMarked = (): void => {
    this.isScheduled = false;
    if (this.isPending && !this.outbox.willFlush) this.outbox.flush();
  };

  /** Sends everything. To be called when the replies that were written before have been sent. */
  private flush(): void {
    if (!this.isPending) return;
    this.isPending = false;
    this.outbox.hasDeliveries = false;
    for (const sender of this.senders) sender();
    const { waiting, batches } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    this.batches = [];
    for (const batch of batches) if (batch.isOpen) batch.close();
    for (const receiver of waiting) receiver.sendDeliveries();
    for (const batch of batches) batch.free();
  }

  /** One after the other in one buffer, of which `byteCount` bytes are valid until the next call. */
  join(parts: readonly Uint8Array[], byteCount: number): Uint8Array {
    if (parts.length === 1) return parts[0]!;
    const joined = byteCount <= JOINED_BYTES ? this.scratch : Buffer.allocUnsafeSlow(byteCount);
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }

  /** Whether what `join` returned will be written to again. */
  isShared(joined: Uint8Array): boolean {
    return joined === this.scratch;
  }
}
