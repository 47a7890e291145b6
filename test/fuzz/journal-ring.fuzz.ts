/** Random records through a small journal ring, producer and consumer taking turns in one thread, against a plain list. */
import { Bytes } from '../../src/base/bytes.ts';
import { createRingMemory, RingConsumer, RingProducer } from '../../src/memory/journal-ring.ts';
import { Prng } from '../support/prng.ts';

const RING_BYTES = 1024;
const RECORD_BYTES_MAX = 3000;

export interface RingRecord {
  readonly number: number;
  readonly bytes: Buffer;
}

/** The record that `number` stands for: its length and bytes follow from it. */
export function recordOf(number: number, bytesMax: number): RingRecord {
  const random = new Prng(number ^ 0x5bd1e995);
  const isLarge = random.below(20) === 0;
  const bytes = Buffer.alloc(random.below(isLarge ? bytesMax : 60));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  return { number, bytes };
}

export function pushRecord(producer: RingProducer, { number, bytes }: RingRecord): void {
  const from = Bytes.allocate(bytes.length + 3);
  bytes.copy(from.u8, 3);
  producer.push(number, (number & 15) | ((number & 7) << 16), number ^ 77, from, 3, bytes.length);
}

/** Reads records off a ring bit by bit, and checks each against what its number stands for. */
export class RingReader {
  readonly consumer: RingConsumer;
  private readonly into = Bytes.allocate(1 << 20);
  private at = 0;
  count = 0;

  constructor(
    memory: SharedArrayBuffer,
    private readonly bytesMax: number,
  ) {
    this.consumer = new RingConsumer(memory);
  }

  /** Reads at most `most` bytes; whether there was anything. */
  step(most: number): boolean {
    const { consumer } = this;
    if (!consumer.begin()) return false;
    const count = consumer.readable(most);
    consumer.read(this.into, this.at, count);
    this.at += count;
    if (!consumer.end()) return count > 0;
    const { number, bytes } = recordOf(consumer.number, this.bytesMax);
    const isSame = bytes.equals(this.into.u8.subarray(0, this.at)) && consumer.byteCount === this.at;
    if (!isSame) throw new Error(`record ${number} came through changed`);
    if (consumer.firstDatabase !== (number & 15) || consumer.lastDatabase !== (number & 7)) {
      throw new Error(`record ${number} has other databases`);
    }
    if (consumer.itemFlags !== (number ^ 77) >>> 0) throw new Error(`record ${number} has other flags`);
    this.at = 0;
    this.count++;
    return true;
  }
}

export function fuzzJournalRing(seed: number, operationCount: number): void {
  const random = new Prng(seed);
  const memory = createRingMemory(RING_BYTES);
  const producer = new RingProducer(memory);
  const reader = new RingReader(memory, RECORD_BYTES_MAX);
  const expected: number[] = [];
  for (let operation = 0; operation < operationCount; operation++) {
    const choice = random.below(10);
    if (choice < 4 && producer.spilledBytes < 100_000) {
      const number = random.below(0x7fffffff);
      expected.push(number);
      pushRecord(producer, recordOf(number, RECORD_BYTES_MAX));
    } else if (choice < 5) producer.drainSpill();
    else {
      const before = reader.count;
      reader.step(1 + random.below(200));
      if (reader.count > before && reader.consumer.number !== expected.shift()) throw new Error('order');
      if (random.below(2) === 0) reader.consumer.release();
    }
  }
  while (expected.length > 0) {
    const before = reader.count;
    reader.step(1000);
    if (reader.count > before && reader.consumer.number !== expected.shift()) throw new Error('order');
    reader.consumer.release();
    producer.drainSpill();
  }
  if (reader.consumer.begin() || producer.spilledBytes !== 0) throw new Error('something is left over');
}
