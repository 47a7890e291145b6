/** What a TestServer's journal records, as the stream of requests that an append-only file holds. */
import { Bytes } from '../../src/base/bytes.ts';
import { createRingMemory, RingConsumer } from '../../src/memory/journal-ring.ts';
import { createJournalState, JournalWord } from '../../src/memory/journal-state.ts';
import { JournalMerger } from '../../src/server/journal/merger.ts';
import { RequestStream } from '../../src/persist/append-only/request-stream.ts';
import { replyValue } from './reply.ts';
import type { TestServer } from './test-server.ts';

export class JournalStream {
  readonly memory = { state: createJournalState(), ring: createRingMemory(1 << 16) };
  private readonly state = new Int32Array(this.memory.state);
  private readonly merger = new JournalMerger([new RingConsumer(this.memory.ring)], 0);
  private readonly parts: Buffer[] = [];

  constructor() {
    // There is no keeper to wait for: what finds no room in the ring waits elsewhere.
    this.state[JournalWord.WriteError] = 1;
  }

  private readonly stream = new RequestStream(4096, (bytes: Bytes, byteCount: number) => {
    this.parts.push(Buffer.from(bytes.u8.subarray(0, byteCount)));
    return byteCount;
  });

  /** What `server` has recorded since the last call. */
  take(server: TestServer): Buffer {
    while (this.merger.drain(this.stream, Atomics.load(this.state, JournalWord.LastNumber))) {
      server.engine.recording!.journal.drainSpill();
    }
    this.stream.flush();
    return Buffer.concat(this.parts.splice(0));
  }
}

/** The requests of a stream, each as its words with blanks between. */
export function requestsOf(stream: Buffer): string[] {
  const requests: string[] = [];
  for (let text = stream.toString('latin1'); text !== '';) {
    const end = text.startsWith('#') ? text.indexOf('\n') + 1 : requestEnd(text);
    if (text.startsWith('#')) {
      text = text.slice(end);
      continue;
    }
    requests.push((replyValue(text.slice(0, end)) as string[]).join(' '));
    text = text.slice(end);
  }
  return requests;
}

function requestEnd(text: string): number {
  let at = text.indexOf('\r\n') + 2;
  for (let rest = Number(text.slice(1, at - 2)); rest > 0; rest--) {
    const lineEnd = text.indexOf('\r\n', at);
    at = lineEnd + 2 + Number(text.slice(at + 1, lineEnd)) + 2;
  }
  return at;
}
