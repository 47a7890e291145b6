/**
 * The arguments of commands for COMMAND DOCS, kept as text of one line per command, which is parsed when it is asked for:
 *
 *   name argument…      argument = name|type flags… [@key spec] [=token] [<since] [!deprecated since] [(argument…)]
 *
 * without the spaces within an argument. A type is a letter of TYPES, a flag a sign of FLAGS.
 */
import type { RespWriter } from '../../protocol/resp-writer.ts';
import { ARGUMENTS_7 } from './command-arguments-7.ts';
import { ARGUMENTS_NEWER } from './command-arguments-newer.ts';

export interface ArgumentDoc {
  readonly name: string;
  readonly type: string;
  /** Which of the command's key specifications finds it. */
  readonly keySpec: number | null;
  readonly token: string | null;
  readonly since: string | null;
  readonly deprecatedSince: string | null;
  readonly flags: readonly string[];
  /** Of a block, or the choices. */
  readonly parts: readonly ArgumentDoc[];
}

const TYPES: Readonly<Record<string, string>> = {
  k: 'key',
  s: 'string',
  i: 'integer',
  d: 'double',
  p: 'pattern',
  u: 'unix-time',
  t: 'pure-token',
  o: 'oneof',
  b: 'block',
};
const FLAGS: Readonly<Record<string, string>> = { '?': 'optional', '*': 'multiple', '+': 'multiple_token' };
/** Name, type, flags, key spec, token, since, deprecated since. */
const ARGUMENT = /([^ |()]+)\|([a-z])([?*+]*)(?:@(\d+))?(?:=([^ ()<!]*))?(?:<([\d.]+))?(?:!([\d.]+))?/y;

/** What the command takes; null where that is not known, or nothing. */
export function findArguments(name: string): ArgumentDoc[] | null {
  for (const table of [ARGUMENTS_NEWER, ARGUMENTS_7]) {
    const at = table.indexOf(`\n${name} `);
    if (at < 0) continue;
    const start = at + name.length + 2;
    return parseArguments(table.slice(start, table.indexOf('\n', start)));
  }
  return null;
}

function parseArguments(text: string): ArgumentDoc[] {
  const outermost: ArgumentDoc[] = [];
  const open: ArgumentDoc[][] = [outermost];
  let at = 0;
  while (at < text.length) {
    if (text[at] === ')') open.pop();
    if (text[at] === ')' || text[at] === ' ') {
      at++;
      continue;
    }
    ARGUMENT.lastIndex = at;
    const found = ARGUMENT.exec(text)!;
    const parts: ArgumentDoc[] = [];
    open.at(-1)!.push(toArgument(found, parts));
    at = ARGUMENT.lastIndex;
    if (text[at] !== '(') continue;
    open.push(parts);
    at++;
  }
  return outermost;
}

function toArgument(found: RegExpExecArray, parts: ArgumentDoc[]): ArgumentDoc {
  const [, name = '', type = '', flags = '', keySpec, token, since, deprecatedSince] = found;
  return {
    name,
    type: TYPES[type]!,
    keySpec: keySpec === undefined ? null : Number(keySpec),
    token: token ?? null,
    since: since ?? null,
    deprecatedSince: deprecatedSince ?? null,
    flags: [...flags].map((flag) => FLAGS[flag]!),
    parts,
  };
}

/** The text that `findArguments` reads. */
export function encodeArguments(args: readonly ArgumentDoc[]): string {
  return args.map(encodeArgument).join(' ');
}

function encodeArgument(argument: ArgumentDoc): string {
  const { name, type, flags, keySpec, token, since, deprecatedSince, parts } = argument;
  return [
    `${name}|${letterOf(TYPES, type)}`,
    ...flags.map((flag) => letterOf(FLAGS, flag)),
    keySpec === null ? '' : `@${keySpec}`,
    token === null ? '' : `=${token}`,
    since === null ? '' : `<${since}`,
    deprecatedSince === null ? '' : `!${deprecatedSince}`,
    parts.length === 0 ? '' : `(${encodeArguments(parts)})`,
  ].join('');
}

function letterOf(letters: Readonly<Record<string, string>>, word: string): string {
  return Object.keys(letters).find((letter) => letters[letter] === word)!;
}

export function writeArguments(reply: RespWriter, args: readonly ArgumentDoc[]): void {
  reply.array(args.length);
  for (const argument of args) writeArgument(reply, argument);
}

function writeArgument(reply: RespWriter, argument: ArgumentDoc): void {
  const { name, type, keySpec, token, since, deprecatedSince, flags, parts } = argument;
  const texts: [string, string | null][] = [
    ['name', name],
    ['type', type],
    // Redis: since 7.2 whatever stands for itself has a text to be shown.
    ['display_text', type === 'oneof' || type === 'block' ? null : name],
    ['token', token],
    ['since', since],
    ['deprecated_since', deprecatedSince],
  ];
  const shown = texts.filter(([, text]) => text !== null);
  const otherCount = (keySpec === null ? 0 : 1) + (flags.length === 0 ? 0 : 1) + (parts.length === 0 ? 0 : 1);
  reply.map(shown.length + otherCount);
  for (const [field, text] of shown) {
    // Redis: the key specification comes before the token.
    reply.bulkText(field);
    reply.bulkText(text!);
    if (field === 'display_text' && keySpec !== null) {
      reply.bulkText('key_spec_index');
      reply.integer(keySpec);
    }
  }
  if (flags.length > 0) {
    reply.bulkText('flags');
    reply.set(flags.length);
    for (const flag of flags) reply.simple(flag);
  }
  if (parts.length === 0) return;
  reply.bulkText('arguments');
  writeArguments(reply, parts);
}
