/** The bytes of a message as clients are sent it: they are made once for all who hear it. */
import { Bytes, copyBytes } from '../../base/bytes.ts';
import { formatInteger, integerDigits } from '../../base/number.ts';
import { Subject } from '../../store/audience.ts';

const WORDS = ['message', 'pmessage', 'smessage'];
/** Type and line end around a number, and the line end behind what it counts. */
const BULK_BYTES = 5;

/** A message while it is handed to those who hear it: `source` holds the channel's name at `at`, and the message. */
export interface Published {
  source: Bytes;
  at: number;
  byteCount: number;
  messageAt: number;
  /** Negative: instead of a message, those who hear it are to be cut off. */
  messageBytes: number;
  /** Its number, see Audience.publication. */
  number: number;
  /** It is being told to those who listen to a pattern, who are told the channel. */
  isByPattern: boolean;
}

/** How the messages of one topic begin: everything up to the message itself, or to the channel's name for a pattern. */
export class MessageHeads {
  private readonly resp2: Bytes;
  private readonly resp3: Bytes;

  constructor(subject: Subject, name: Buffer) {
    const word = WORDS[subject]!;
    const count = subject === Subject.Pattern ? 4 : 3;
    const rest = `${count}\r\n$${word.length}\r\n${word}\r\n$${name.length}\r\n`;
    this.resp2 = headOf(`*${rest}`, name);
    this.resp3 = headOf(`>${rest}`, name);
  }

  /** Bytes of what is sent: the same in both versions. `channelBytes`: of its name, or -1 where it need not be told. */
  byteCount(channelBytes: number, messageBytes: number): number {
    const bulks = channelBytes < 0 ? 0 : bulkBytes(channelBytes);
    return this.resp2.u8.length + bulks + bulkBytes(messageBytes);
  }

  /** Writes what is sent to `into[at...)`. */
  write(version: 2 | 3, into: Bytes, at: number, published: Published): void {
    const head = version === 3 ? this.resp3 : this.resp2;
    copyBytes(head, 0, into, at, head.u8.length);
    const { source } = published;
    let end = at + head.u8.length;
    if (published.isByPattern) end = writeBulk(into, end, source, published.at, published.byteCount);
    writeBulk(into, end, source, published.messageAt, published.messageBytes);
  }
}

function headOf(text: string, name: Buffer): Bytes {
  const head = Bytes.allocate(text.length + name.length + 2);
  head.u8.write(text, 'latin1');
  name.copy(head.u8, text.length);
  head.u8.write('\r\n', text.length + name.length, 'latin1');
  return head;
}

/** Bytes of a bulk of `byteCount` bytes with all that is around it. */
export function bulkBytes(byteCount: number): number {
  return BULK_BYTES + integerDigits(byteCount) + byteCount;
}

/** Writes a bulk to `into[at...)`. Returns where it ends. */
export function writeBulk(into: Bytes, at: number, source: Bytes, from: number, byteCount: number): number {
  const { u8 } = into;
  u8[at] = 0x24;
  let end = formatInteger(u8, at + 1, byteCount);
  u8[end++] = 0x0d;
  u8[end++] = 0x0a;
  copyBytes(source, from, into, end, byteCount);
  end += byteCount;
  u8[end++] = 0x0d;
  u8[end++] = 0x0a;
  return end;
}
