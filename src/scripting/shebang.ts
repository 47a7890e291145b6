/** The first line of a script that says what it may do: `#!lua flags=no-writes,allow-stale`. Texts are Redis'. */

/** What a script or function may do. */
export const enum ScriptFlag {
  NoWrites = 1 << 0,
  AllowOom = 1 << 1,
  AllowStale = 1 << 2,
  NoCluster = 1 << 3,
  AllowCrossSlot = 1 << 4,
  /** It has no such line: what it may do is not restricted. */
  Compatible = 1 << 5,
}

export const FLAG_NAMES: ReadonlyMap<string, ScriptFlag> = new Map([
  ['no-writes', ScriptFlag.NoWrites],
  ['allow-oom', ScriptFlag.AllowOom],
  ['allow-stale', ScriptFlag.AllowStale],
  ['no-cluster', ScriptFlag.NoCluster],
  ['allow-cross-slot-keys', ScriptFlag.AllowCrossSlot],
]);

export interface Shebang {
  readonly flags: number;
  /** Bytes of the line, without its end. */
  readonly byteCount: number;
}

const LINE_END = 10;

/** Reads the first line of `body`. A text is why it is refused. */
export function readShebang(body: Buffer): Shebang | string {
  if (body[0] !== 0x23 || body[1] !== 0x21) return { flags: ScriptFlag.Compatible, byteCount: 0 };
  const end = body.indexOf(LINE_END);
  if (end < 0) return 'ERR Invalid script shebang';
  const parts = body
    .toString('latin1', 0, end)
    .split(' ')
    .filter((part) => part !== '');
  if (parts[0] !== '#!lua') return `ERR Unexpected engine in script shebang: ${parts[0]}`;
  let flags = 0;
  for (const part of parts.slice(1)) {
    if (!part.startsWith('flags=')) return `ERR Unknown lua shebang option: ${part}`;
    for (const name of part.slice('flags='.length).split(',')) {
      if (name === '') continue;
      const flag = FLAG_NAMES.get(name);
      if (flag === undefined) return `ERR Unexpected flag in script shebang: ${name}`;
      flags |= flag;
    }
  }
  return { flags, byteCount: end };
}
