/** A producing thread of journal-ring.test.ts: takes numbers of the one counter and records what they stand for. */
import { JournalWord } from '../../src/memory/journal-state.ts';
import { RingProducer } from '../../src/memory/journal-ring.ts';
import { Prng } from '../support/prng.ts';
import { pushRecord, recordOf } from '../fuzz/journal-ring.fuzz.ts';

export interface RingTask {
  readonly state: SharedArrayBuffer;
  readonly ring: SharedArrayBuffer;
  readonly records: number;
  readonly bytesMax: number;
  readonly seed: number;
}

declare const self: Worker;

self.addEventListener('message', (event) => {
  const { state, ring, records, bytesMax, seed } = event.data as RingTask;
  const words = new Int32Array(state);
  const producer = new RingProducer(ring);
  const random = new Prng(seed);
  for (let i = 0; i < records; i++) {
    if (random.below(4) === 0) producer.makeRoom(() => true);
    const number = Atomics.add(words, JournalWord.LastNumber, 1) + 1;
    pushRecord(producer, recordOf(number, bytesMax));
  }
  while (producer.spilledBytes > 0) producer.makeRoom(() => true);
  postMessage('done');
});
