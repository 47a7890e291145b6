/** What came of a client's wait, and how it is told to its worker: as text, for a lone string is the cheapest message. */

/** Instead of an error's text: the reply was larger than any may be. */
export const TOO_LARGE = 'too large';

export interface Outcome {
  /** The wait, by its offset in the interest table. */
  readonly at: number;
  /** The reply, or nothing beside an error. */
  readonly bytes: Uint8Array;
  /** Text of an error reply, or ''. */
  readonly error: string;
}

/** One line (offset, length of the reply, text of the error) and the reply. */
export function writeOutcome({ at, bytes, error }: Outcome): string {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return `${at} ${bytes.length} ${error}\n${body}`;
}

/** The outcomes that `writeOutcome` has written one behind the other. */
export function parseOutcomes(text: string): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let start = 0; start < text.length;) {
    const lineEnd = text.indexOf('\n', start);
    const [at, byteCount, ...words] = text.slice(start, lineEnd).split(' ');
    start = lineEnd + 1 + Number(byteCount);
    const bytes = Buffer.from(text.slice(lineEnd + 1, start), 'latin1');
    outcomes.push({ at: Number(at), bytes, error: words.join(' ') });
  }
  return outcomes;
}
