/** Golden transcripts: exactly which bytes go over the wire.
 *
 *  A transcript is a text file, line by line:
 *    # …         a comment
 *    ! NAME VALUE  before the first request: a setting of the server as in redis.conf, or `protocol 3`
 *    C: WORDS    a request as every Redis client sends it, an array of bulk strings; quotes as in redis-cli
 *    > BYTES     bytes sent as they are
 *    < BYTES     bytes that must come back, and no others, before the next request is answered
 *    x           the server closes the connection
 *  BYTES may have \r \n \t \0 \\ and \xHH; lines of one kind in a row are one. In `<` a line stands for itself and the
 *  \r\n at its end, unless it ends with a lone backslash. */

import { splitArguments } from '../../src/base/split-arguments.ts';
import { encodeRequest } from '../support/test-server.ts';

export interface Exchange {
  readonly sent: Buffer;
  /** As latin1. */
  readonly received: string;
}

export interface Transcript {
  readonly settings: Readonly<Record<string, string>>;
  readonly protocol: 2 | 3;
  readonly exchanges: readonly Exchange[];
  readonly isClosed: boolean;
}

export function parseTranscript(text: string): Transcript {
  const settings: Record<string, string> = {};
  const exchanges: { sent: Buffer; received: string }[] = [];
  let protocol: 2 | 3 = 2;
  let isClosed = false;
  let last = '';
  text.split('\n').forEach((line, index) => {
    const kind = line.slice(0, 2);
    if (line === '' || line.startsWith('#')) return;
    if (kind === '! ') {
      const [name, ...rest] = line.slice(2).split(' ');
      if (name === 'protocol') protocol = rest[0] === '3' ? 3 : 2;
      else settings[name!] = rest.join(' ');
    } else if (kind === 'C:') {
      exchanges.push({ sent: encodeRequest(splitArguments(line.slice(3))!), received: '' });
    } else if (kind === '> ') {
      const bytes = Buffer.from(unescape(line.slice(2)), 'latin1');
      if (last !== '> ') exchanges.push({ sent: bytes, received: '' });
      else exchanges.at(-1)!.sent = Buffer.concat([exchanges.at(-1)!.sent, bytes]);
    } else if (kind === '< ') {
      const isOpenEnded = line.endsWith('\\') && !line.endsWith('\\\\');
      const bytes = isOpenEnded ? line.slice(2, -1) : `${line.slice(2)}\\r\\n`;
      exchanges.at(-1)!.received += unescape(bytes);
    } else if (line === 'x') isClosed = true;
    else throw new Error(`line ${index + 1}: ${line}`);
    last = kind;
  });
  return { settings, protocol, exchanges, isClosed };
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' };

/** Text in UTF-8 becomes its bytes, as latin1; escapes become what they stand for. */
function unescape(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_match, hex: string | undefined, letter: string) =>
      hex === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(parseInt(hex, 16)),
    );
}
