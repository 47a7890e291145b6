/** What one worker tells another about clients that are told in place of others: each letter holds all of a turn. */

export interface RedirectLetter {
  /** The client to be told; or, without keys, the one whose stand-in is gone. */
  readonly target: number;
  /** The client that tracks, and its worker. */
  readonly source: number;
  readonly from: number;
  /** What is told. */
  readonly keys: Uint8Array | null;
}

export class RedirectLetters {
  private readonly sendText: (worker: number, text: string) => void;
  private readonly letters = new Map<number, string>();

  constructor(sendText: (worker: number, text: string) => void) {
    this.sendText = sendText;
  }

  /** To be sent to `worker`: its client `target` is told in place of `source`. */
  write(worker: number, { target, source, from, keys }: RedirectLetter & { keys: Uint8Array }): void {
    const text = Buffer.from(keys.buffer, keys.byteOffset, keys.length).toString('latin1');
    this.append(worker, `${target} ${source} ${from} ${keys.length}\n${text}`);
  }

  /** To be sent to `worker`: who was to be told in place of its client `source` is gone. */
  writeGone(worker: number, source: number): void {
    this.append(worker, `${source} 0 0 -1\n`);
  }

  private append(worker: number, text: string): void {
    this.letters.set(worker, (this.letters.get(worker) ?? '') + text);
  }

  send(): void {
    if (this.letters.size === 0) return;
    for (const [worker, text] of this.letters) this.sendText(worker, text);
    this.letters.clear();
  }

  /** What another worker has written. */
  parse(text: string): RedirectLetter[] {
    const letters: RedirectLetter[] = [];
    for (let start = 0; start < text.length;) {
      const lineEnd = text.indexOf('\n', start);
      const [target, source, from, byteCount] = text.slice(start, lineEnd).split(' ').map(Number);
      start = lineEnd + 1 + Math.max(byteCount!, 0);
      const keys = byteCount! < 0 ? null : Buffer.from(text.slice(lineEnd + 1, start), 'latin1');
      letters.push({ target: target!, source: source!, from: from!, keys });
    }
    return letters;
  }
}
