/** Replies of the Redis protocol as values: integers as numbers, texts as strings, nothing as null, collections as
 *  arrays, maps as their pairs. An error is an object. */

export type Reply = string | number | boolean | null | { error: string } | Reply[];

/** The first reply in `text`, or null when it is not complete. */
export function parseReply(text: string): { value: Reply; end: number } | null {
  const reader = new ReplyReader(text);
  const value = reader.read();
  return value === undefined ? null : { value, end: reader.at };
}

/** The only reply in `text`. */
export function replyValue(text: string): Reply {
  const parsed = parseReply(text);
  if (parsed === null || parsed.end !== text.length)
    throw new Error(`not one reply: ${JSON.stringify(text)}`);
  return parsed.value;
}

class ReplyReader {
  at = 0;

  constructor(private readonly text: string) {}

  /** Undefined: the text ends too early. */
  read(): Reply | undefined {
    const lineEnd = this.text.indexOf('\r\n', this.at);
    if (lineEnd < 0) return undefined;
    const type = this.text[this.at]!;
    const line = this.text.slice(this.at + 1, lineEnd);
    this.at = lineEnd + 2;
    if ('+,('.includes(type)) return line;
    if (type === '-') return { error: line };
    if (type === ':') return Number(line);
    if (type === '#') return line === 't';
    if (type === '_' || line === '-1') return null;
    if (type === '$' || type === '=') return this.bytes(Number(line));
    return this.items(Number(line) * (type === '%' || type === '|' ? 2 : 1));
  }

  private bytes(count: number): string | undefined {
    const start = this.at;
    this.at += count + 2;
    return this.at > this.text.length ? undefined : this.text.slice(start, start + count);
  }

  private items(count: number): Reply[] | undefined {
    const items: Reply[] = [];
    for (let i = 0; i < count; i++) {
      const item = this.read();
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }
}
