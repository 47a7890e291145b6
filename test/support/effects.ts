/** What the journal is told, as text. */
import type { Bytes } from '../../src/base/bytes.ts';
import type { EffectSink } from '../../src/commands/effect.ts';
import { putServed } from '../../src/commands/serve-wait.ts';
import type { ServedWait } from '../../src/commands/waiting.ts';

/** Gathers requests; what is not text comes as latin1. */
export class EffectTexts implements EffectSink {
  readonly requests: string[][] = [];

  begin(): void {
    this.requests.push([]);
  }

  word(text: string): void {
    this.requests.at(-1)!.push(text);
  }

  bytes({ u8 }: Bytes, at: number, byteCount: number): void {
    this.word(u8.toString('latin1', at, at + byteCount));
  }
}

/** What was done for a client that had been waiting. */
export function servedEffect(served: ServedWait): string {
  const texts = new EffectTexts();
  putServed(served, texts);
  return texts.requests.map((parts) => parts.join(' ')).join('; ');
}
