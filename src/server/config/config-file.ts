/** Puts a configuration together as redis-server does: the defaults, then redis.conf with the files it includes, then
 *  standard input if asked for, then the flags. The first mistake ends it with the text that Redis would print. */

import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { splitArguments } from '../../base/split-arguments.ts';
import type { MachineLimits } from '../system/machine-limits.ts';
import { PRODUCT_NAME, PRODUCT_VERSION } from '../product.ts';
import { Config } from './config.ts';
import { NAMES, SETTINGS } from './config-registry.ts';
import type { Setting } from './setting.ts';

/** One line of a file, or one flag with what follows it. */
export interface Directive {
  readonly name: string;
  readonly values: readonly string[];
}

export interface ConfigSources {
  readonly configFile: string | null;
  readonly readsStdin: boolean;
  readonly directives: readonly Directive[];
}

export type LoadOutcome =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly error: string };

const INCLUDE_DEPTH_MAX = 16;
const ECHO_LENGTH_MAX = 200;

const decoder = new TextDecoder();

/** Loads the configuration. Never throws: a file that cannot be read is an error text too. */
export function loadConfig(sources: ConfigSources, limits: MachineLimits): LoadOutcome {
  const loader = new ConfigLoader(limits);
  const error =
    (sources.configFile === null ? null : loader.loadFile(sources.configFile, 0)) ??
    (sources.readsStdin ? loader.loadStdin() : null) ??
    loader.loadFlags(sources.directives);
  return error === null ? loader.finish() : { ok: false, error };
}

/** Every `load…` returns the whole error text, or null if all went well. */
class ConfigLoader {
  private readonly config: Config;
  private readonly warnings: string[] = [];

  constructor(limits: MachineLimits) {
    this.config = Config.withDefaults(limits);
  }

  loadFile(path: string, depth: number): string | null {
    const text = readConfigText(path);
    if (text instanceof Error)
      return `Fatal error, can't open config file '${path}': ${describeFileError(text)}`;
    if (depth === 0) this.config.file = resolve(path);
    return this.loadText(text, depth, depth === 0 ? '' : ` of ${path}`);
  }

  loadStdin(): string | null {
    const text = readConfigText(0);
    if (text instanceof Error)
      return `Fatal error, can't read the configuration from standard input: ${text.message}`;
    return this.loadText(text, 0, ' of standard input');
  }

  loadFlags(directives: readonly Directive[]): string | null {
    for (const { name, values } of directives) {
      const flag = ['--' + name, ...values].join(' ');
      if (isDaemonizeYes(name, values)) {
        return fatal(
          'Reading the command line',
          flag,
          'daemonize is not supported: run it under systemd, a container or nohup',
        );
      }
      const problem = this.loadDirective(name, values, 0);
      if (problem?.isWhole) return problem.text;
      if (problem) return fatal('Reading the command line', flag, problem.text);
    }
    return null;
  }

  finish(): LoadOutcome {
    const ignored = this.config.ignored();
    if (ignored.length > 0) this.warnings.push(`without effect in this build: ${ignored.join(', ')}`);
    return { ok: true, config: this.config, warnings: this.warnings };
  }

  private loadText(text: string, depth: number, where: string): string | null {
    const lines = text.split('\n');
    for (const [i, untrimmed] of lines.entries()) {
      const line = untrimmed.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
      if (line === '' || line.startsWith('#')) continue;
      const problem = this.loadLine(line, depth);
      if (problem?.isWhole) return problem.text;
      if (problem)
        return fatal(`Reading the configuration file, at line ${i + 1}${where}`, line, problem.text);
    }
    return null;
  }

  private loadLine(line: string, depth: number): Problem | null {
    const words = splitArguments(line)?.map((word) => decoder.decode(word));
    if (words === undefined) return { text: 'Unbalanced quotes in configuration line' };
    const [name, ...values] = words;
    if (name === undefined) return null;
    if (isDaemonizeYes(name, values)) {
      // Debian's stock file says yes, and its service starts the server in the foreground all the same.
      this.warnings.push('daemonize yes is not supported: staying in the foreground');
      return null;
    }
    return this.loadDirective(name, values, depth);
  }

  private loadDirective(name: string, values: readonly string[], depth: number): Problem | null {
    if (name.toLowerCase() === 'include') return this.loadInclude(values, depth);
    const text = this.config.load(name, values);
    return text === null ? null : { text };
  }

  /** Redis: a pattern that matches nothing is fine, a plain name that is not there is not. */
  private loadInclude(values: readonly string[], depth: number): Problem | null {
    const [pattern] = values;
    if (pattern === undefined || values.length > 1)
      return { text: 'Bad directive or wrong number of arguments' };
    if (depth >= INCLUDE_DEPTH_MAX) return { text: `include is nested more than ${INCLUDE_DEPTH_MAX} deep` };
    const paths = /[*?[]/.test(pattern) ? globSync(pattern).sort() : [pattern];
    for (const path of paths) {
      const error = this.loadFile(path, depth + 1);
      if (error !== null) return { text: error, isWhole: true };
    }
    return null;
  }
}

interface Problem {
  readonly text: string;
  /** The text already says where: it comes out of an included file. */
  readonly isWhole?: true;
}

function isDaemonizeYes(name: string, values: readonly string[]): boolean {
  return name.toLowerCase() === 'daemonize' && values.length === 1 && values[0]?.toLowerCase() === 'yes';
}

function readConfigText(path: string | 0): string | Error {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** "ENOENT: no such file or directory, open 'x'" as Redis says it: "No such file or directory". */
function describeFileError(error: Error): string {
  const reason = /^[A-Z]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message;
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}

function fatal(where: string, line: string, reason: string): string {
  return [
    `*** FATAL CONFIG FILE ERROR (${PRODUCT_NAME} ${PRODUCT_VERSION}) ***`,
    where,
    `>>> '${echo(line)}'`,
    reason,
  ].join('\n');
}

/** The line, fit for a log: no password, no control characters, no megabytes. */
function echo(line: string): string {
  const name = /^(?:--)?["']?([\w-]+)/.exec(line)?.[1] ?? '';
  const row = NAMES.get(name.toLowerCase());
  const setting: Setting | undefined = row && SETTINGS[row];
  if (setting?.isSecret) return `${name} (hidden)`;
  // oxlint-disable-next-line no-control-regex
  const printable = line.replaceAll(/[\u0000-\u001f\u007f]/g, '?');
  return printable.length > ECHO_LENGTH_MAX ? `${printable.slice(0, ECHO_LENGTH_MAX)}…` : printable;
}
