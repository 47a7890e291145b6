/** The command line: `damselfly [redis.conf] [--directive value …]… [-]`, in the manner of redis-server.
 *
 *  citty describes the command and reads its modes (--help, --version, --healthcheck) and the file. The directives
 *  are read here first, because Redis's rules for them are not those of a usual parser: a flag takes several words
 *  (`--save 900 1`), may come again and then adds up, its first word may itself start with "--", and a name may start
 *  with "no-" without being a negation (`--no-appendfsync-on-rewrite yes`). */

import { defineCommand, parseArgs, renderUsage } from 'citty';
import type { MachineLimits } from '../system/machine-limits.ts';
import { EXECUTABLE_NAME, PRODUCT_VERSION } from '../product.ts';
import { closestName } from './closest-name.ts';
import type { ConfigSources, Directive } from './config-file.ts';
import { NAMES, REFUSED_DIRECTIVES, settingEntries } from './config-registry.ts';
import { GROUPS } from './setting.ts';
import type { Setting } from './setting.ts';

export type CommandLine =
  | ({ readonly kind: 'run' | 'healthcheck' } & ConfigSources)
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  /** To be printed on standard error, with exit code 1. */
  | { readonly kind: 'error'; readonly text: string };

const HELP_FLAG_WIDTH = 34;
const HELP_LINE_WIDTH = 100;

const modes = {
  file: {
    type: 'positional',
    required: false,
    description: 'a redis.conf to load first; "-" reads standard input',
  },
  help: { type: 'boolean', alias: 'h', description: 'print this and exit' },
  version: { type: 'boolean', alias: 'v', description: 'print the version and exit' },
  healthcheck: {
    type: 'boolean',
    description: 'ask the server with these settings for a PONG: exit code 0 or 1',
  },
} as const;

const command = defineCommand({
  meta: {
    name: EXECUTABLE_NAME,
    version: PRODUCT_VERSION,
    description: 'An in-memory data store that speaks the Redis and memcached protocols on every core.',
  },
  args: modes,
});

/** Understands the arguments after the executable's name. Values are not checked yet: loadConfig does that. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const split = splitCommandLine(argv);
  if (typeof split === 'string') return { kind: 'error', text: `${split}\nTry ${EXECUTABLE_NAME} --help.` };
  const { modeArguments, directives, readsStdin } = split;
  const { file, help, version, healthcheck } = parseArgs<typeof modes>([...modeArguments], modes);
  if (help) return { kind: 'help' };
  if (version) return { kind: 'version' };
  return { kind: healthcheck ? 'healthcheck' : 'run', configFile: file ?? null, readsStdin, directives };
}

/** The text of --help: the usage, then every setting that does something, by group and with its default. */
export async function renderHelp(limits: MachineLimits): Promise<string> {
  const usage = Bun.stripANSI(await renderUsage(command))
    .replaceAll(/[ \t]+$/gm, '')
    .trimEnd();
  return `${usage}\n\n${describeSettings(limits)}\n`;
}

/** The part of --help that comes out of the registry. */
export function describeSettings(limits: MachineLimits): string {
  const rows = settingEntries();
  const sections = GROUPS.map((group) => {
    const lines = rows
      .filter(([, row]) => row.help?.group === group)
      .map(([name, row]) => describeSetting(name, row, limits));
    return `${group.toUpperCase()}\n\n${lines.join('\n')}`;
  });
  const accepted = rows.filter(([, row]) => row.help === undefined).map(([name]) => name);
  return [
    'Each of these is also a line of redis.conf and a name of CONFIG GET and SET: --name value.',
    ...sections,
    `ACCEPTED FOR REDIS.CONF'S SAKE, WITHOUT EFFECT\n\n${wrapWords(accepted)}`,
  ].join('\n\n');
}

interface SplitCommandLine {
  readonly modeArguments: readonly string[];
  readonly directives: readonly Directive[];
  readonly readsStdin: boolean;
}

/** Sorts the arguments into modes and directives; an error text if one is neither. */
function splitCommandLine(argv: readonly string[]): SplitCommandLine | string {
  const modeArguments: string[] = [];
  const directives: { name: string; values: string[] }[] = [];
  let readsStdin = false;
  let needsValue = false;
  for (const [i, argument] of argv.entries()) {
    const directive = directives.at(-1);
    if (argument === '-' && (i === 0 || i === argv.length - 1)) {
      readsStdin = true;
    } else if (!needsValue && isMode(argument, i)) {
      modeArguments.push(argument);
    } else if (!needsValue && argument.startsWith('--')) {
      const opened = openDirective(argument);
      if (typeof opened === 'string') return opened;
      directives.push(opened);
      // Redis: --save alone means no save points, even with another flag after it.
      const isEmptySave = opened.name === 'save' && (argv[i + 1] ?? '--').startsWith('--');
      if (isEmptySave && opened.values.length === 0) opened.values.push('');
      needsValue = opened.values.length === 0;
    } else if (directive !== undefined) {
      directive.values.push(argument);
      needsValue = false;
    } else if (i === 0 && !argument.startsWith('-')) {
      modeArguments.push(argument);
    } else {
      return argument.startsWith('-')
        ? `Unknown option '${argument}'.`
        : `Unexpected argument '${argument}'.`;
    }
  }
  return { modeArguments, directives, readsStdin };
}

/** -h and -v count only in first place: later on they may be the value of a flag. */
function isMode(argument: string, at: number): boolean {
  if (at === 0 && (argument === '-h' || argument === '-v')) return true;
  return argument === '--help' || argument === '--version' || argument === '--healthcheck';
}

/** "--port", "--port=7000" or "--port 7000" in one word; an error text if there is no such directive. */
function openDirective(argument: string): { name: string; values: string[] } | string {
  const [, name = '', separator, value = ''] = /^--([^\s=]*)([=\s]?)(.*)$/s.exec(argument) ?? [];
  const lowerName = name.toLowerCase();
  if (NAMES.has(lowerName) || REFUSED_DIRECTIVES.has(lowerName) || lowerName === 'include') {
    return { name: lowerName, values: separator === '=' || value !== '' ? [value] : [] };
  }
  const suggestion = closestName(lowerName, [...NAMES.keys(), ...Object.keys(modes)]);
  return `Unknown option '--${name}'.` + (suggestion === null ? '' : ` Did you mean '--${suggestion}'?`);
}

function describeSetting(name: string, row: Setting, limits: MachineLimits): string {
  const initial = typeof row.initial === 'string' ? row.initial : row.initial(limits);
  const flag = `  --${name} <${row.type.hint}>`;
  const gap =
    flag.length < HELP_FLAG_WIDTH ? flag.padEnd(HELP_FLAG_WIDTH) : `${flag}\n${' '.repeat(HELP_FLAG_WIDTH)}`;
  return gap + (row.help?.description ?? '') + (initial === '' ? '' : ` (default: ${initial})`);
}

function wrapWords(words: readonly string[]): string {
  const lines = [' '];
  for (const word of words) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length <= HELP_LINE_WIDTH) lines.splice(-1, 1, line);
    else lines.push(`  ${word}`);
  }
  return lines.join('\n');
}
