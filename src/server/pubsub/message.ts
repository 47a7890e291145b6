/** The bytes of a message as clients are sent it: they are made once for all who hear it. */
import { formatInteger, integerDigits } from '../../base/number.ts';
import { Subject } from '../../store/audience.ts';

const WORDS = ['message', 'pmessage', 'smessage'];
/** Type and line end around a number, and the line end behind what it counts. */
const BULK_BYTES = 5;

/** How the messages of one topic begin: everything up to the message itself, or to the channel's name for a pattern. */
export class MessageHeads {
  private readonly resp2: Buffer;
  private readonly resp3: Buffer;

  constructor(subject: Subject, name: Buffer) {
    const word = WORDS[subject]!;
    const count = subject === Subject.Pattern ? 4 : 3;
    const rest = Buffer.concat([
      Buffer.from(`${count}\r\n$${word.length}\r\n${word}\r\n$${name.length}\r\n`),
      name,
      Buffer.from('\r\n'),
    ]);
    this.resp2 = Buffer.concat([Buffer.from('*'), rest]);
    this.resp3 = Buffer.concat([Buffer.from('>'), rest]);
  }

  /** A message to a channel. */
  message(version: 2 | 3, content: Uint8Array): Uint8Array {
    const head = version === 3 ? this.resp3 : this.resp2;
    const message = Buffer.allocUnsafe(head.length + bulkBytes(content));
    message.set(head, 0);
    writeBulk(message, head.length, content);
    return message;
  }

  /** A message to a channel that the pattern matches. */
  patternMessage(version: 2 | 3, channel: Uint8Array, content: Uint8Array): Uint8Array {
    const head = version === 3 ? this.resp3 : this.resp2;
    const message = Buffer.allocUnsafe(head.length + bulkBytes(channel) + bulkBytes(content));
    message.set(head, 0);
    writeBulk(message, writeBulk(message, head.length, channel), content);
    return message;
  }
}

function bulkBytes(content: Uint8Array): number {
  return BULK_BYTES + integerDigits(content.length) + content.length;
}

/** Returns where it ends. */
function writeBulk(into: Uint8Array, at: number, content: Uint8Array): number {
  into[at] = 0x24;
  let end = formatInteger(into, at + 1, content.length);
  into[end++] = 0x0d;
  into[end++] = 0x0a;
  into.set(content, end);
  end += content.length;
  into[end++] = 0x0d;
  into[end++] = 0x0a;
  return end;
}
