/** A command as MONITOR shows it. Reference: Redis' replicationFeedMonitors, sdscatrepr. */
import { authSecrets } from '../slow/secrets.ts';

const HIDDEN = '"(redacted)"';
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
};

/** What is shown of a request. */
export interface ShownRequest {
  readonly source: { readonly u8: Buffer };
  readonly args: Int32Array;
  readonly count: number;
}

/** The line, whole, as latin1. `who` is an address, or the word for a script. */
export function formatMonitorLine(
  nowUs: number,
  database: number,
  who: string,
  command: string,
  { source, args, count }: ShownRequest,
): string {
  const microseconds = String(nowUs % 1e6).padStart(6, '0');
  let line = `+${Math.floor(nowUs / 1e6)}.${microseconds} [${database} ${who}]`;
  const words: string[] = [];
  for (let index = 0; index < count; index++) {
    const start = args[index * 2]!;
    words.push(source.u8.toString('latin1', start, start + args[index * 2 + 1]!));
  }
  const isHidden = hiddenArguments(command, words);
  for (const [index, word] of words.entries()) line += ` ${isHidden(index) ? HIDDEN : quote(word)}`;
  return `${line}\r\n`;
}

/** Which arguments are secrets. */
function hiddenArguments(command: string, words: readonly string[]): (index: number) => boolean {
  if (command === 'auth') return (index) => index > 0;
  if (command !== 'hello' && command !== 'migrate') return () => false;
  const secrets = authSecrets(words.length, command === 'hello' ? 2 : 6, (index) => words[index]!);
  return (index) => secrets.includes(index);
}

function quote(word: string): string {
  const text = word.replace(
    /[^ -~]|[\\"]/g,
    (byte) => ESCAPES[byte] ?? `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${text}"`;
}
