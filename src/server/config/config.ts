/** The configuration in force: a value for every row of the registry. Main owns the one that CONFIG SET changes;
 *  workers hold copies which main keeps up to date with `assign`. Values are kept as the text that CONFIG GET prints;
 *  the typed accessors read it anew each time (about 25 ns), so whoever needs a value per command keeps a copy. */

import { globMatch } from '../../base/glob.ts';
import { checkUser } from '../acl/user-directive.ts';
import type { MachineLimits } from '../system/machine-limits.ts';
import { NAMES, REFUSED_DIRECTIVES, settingEntries, SETTINGS } from './config-registry.ts';
import type { NamesOf, SettingName } from './config-registry.ts';
import type { Setting } from './setting.ts';
import type { BufferClass } from './value-types.ts';
import { BUFFER_CLASSES } from './value-types.ts';

/** What crosses to a worker. */
export interface ConfigJson {
  readonly limits: MachineLimits;
  readonly values: Readonly<Record<string, string>>;
  readonly file: string;
}

export type SetOutcome =
  | {
      readonly ok: true;
      /** The settings whose value is now another one; for `assign` elsewhere. */
      readonly changed: Readonly<Partial<Record<SettingName, string>>>;
      /** Puts the former values back: for when acting on the new ones fails. */
      readonly undo: () => void;
    }
  | {
      readonly ok: false;
      /** The error reply, without its leading '-'. */
      readonly error: string;
    };

export interface BufferLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

const DUPLICATE_USER = 'Duplicate user found. A user can only be defined once in config files';
const encoder = new TextEncoder();

export class Config {
  /** Absolute path of the redis.conf it was loaded from; '' when there was none. */
  file = '';
  /** `user` directives, name and rules, a character for each byte. For main alone. */
  readonly users: (readonly string[])[] = [];
  /** Set by a file or flag of this start-up. */
  private readonly given = new Set<SettingName>();

  private constructor(
    readonly limits: MachineLimits,
    private readonly values: Map<SettingName, string>,
  ) {}

  /** Every setting at its default, some of which depend on the machine. */
  static withDefaults(limits: MachineLimits): Config {
    return new Config(
      limits,
      new Map(settingEntries().map(([name, row]) => [name, initialText(row, limits)])),
    );
  }

  /** The copy of a configuration that toJSON made; its values are trusted. */
  static fromJSON(json: ConfigJson): Config {
    const config = Config.withDefaults(json.limits);
    config.assign(json.values);
    config.file = json.file;
    return config;
  }

  toJSON(): ConfigJson {
    return { limits: this.limits, values: Object.fromEntries(this.values), file: this.file };
  }

  /** Takes over values that another thread's trySet has found valid. */
  assign(values: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(values)) {
      const row = NAMES.get(name);
      if (row !== undefined) this.values.set(row, text);
    }
  }

  number(name: NamesOf<'number'>): number {
    const { radix } = SETTINGS[name].type;
    return radix === undefined ? Number(this.read(name)) : Number.parseInt(this.read(name), radix);
  }

  flag(name: NamesOf<'flag'>): boolean {
    return this.read(name) === 'yes';
  }

  text(name: NamesOf<'text'>): string {
    return this.read(name);
  }

  list(name: NamesOf<'list'>): string[] {
    return this.read(name).split(' ').filter(Boolean);
  }

  /** The output limits of a class of clients; 0 is no limit. */
  bufferLimit(bufferClass: BufferClass): BufferLimit {
    const words = this.list('client-output-buffer-limit');
    const at = BUFFER_CLASSES.indexOf(bufferClass) * 4;
    const [hardBytes = 0, softBytes = 0, softSeconds = 0] = words.slice(at + 1, at + 4).map(Number);
    return { hardBytes, softBytes, softSeconds };
  }

  /** What CONFIG GET prints for a name or an old name; undefined if there is none such. */
  getString(name: string): string | undefined {
    const row = NAMES.get(name.toLowerCase());
    return row === undefined ? undefined : this.read(row);
  }

  /** The names and values that CONFIG GET replies with: each name once, whichever of the patterns it matches.
   *  Redis: a pattern without *, ? and [ is a name, and is spelled in the reply as it was asked for. */
  match(patterns: readonly string[]): [name: string, text: string][] {
    const found = new Map<string, string>();
    for (const pattern of patterns) {
      const names = /[*?[]/.test(pattern) ? matchNames(pattern) : [pattern];
      for (const name of names) {
        const text = this.getString(name);
        if (text !== undefined) found.set(name, text);
      }
    }
    return [...found];
  }

  /** CONFIG SET: all of the pairs or none. `isLocal` says whether the client is on this machine. */
  trySet(pairs: readonly (readonly [name: string, value: string])[], isLocal = false): SetOutcome {
    const refusal = this.refuse(pairs, isLocal);
    if (refusal !== null) return { ok: false, error: refusal };
    const changed: Partial<Record<SettingName, string>> = {};
    for (const [name, value] of pairs) {
      const row = NAMES.get(name.toLowerCase())!;
      const parsed = this.parse(row, [value], changed[row] ?? this.read(row), false);
      if ('error' in parsed) return { ok: false, error: setFailed(name.toLowerCase(), parsed.error) };
      changed[row] = parsed.text;
    }
    const former: Partial<Record<SettingName, string>> = {};
    for (const row of Object.keys(changed) as SettingName[]) {
      if (changed[row] === this.read(row)) delete changed[row];
      else former[row] = this.read(row);
    }
    this.assign(changed);
    return { ok: true, changed, undo: () => this.assign(former) };
  }

  /** One directive of a file or the command line. Returns what is wrong with it, or null. */
  load(name: string, values: readonly string[]): string | null {
    const lowerName = name.toLowerCase();
    if (lowerName === 'user' && values.length > 0) return this.loadUser(values);
    const row = NAMES.get(lowerName);
    if (row === undefined) {
      return REFUSED_DIRECTIVES.get(lowerName) ?? 'Bad directive or wrong number of arguments';
    }
    const parsed = this.parse(row, values, this.read(row), this.given.has(row));
    if ('error' in parsed) return parsed.error;
    this.values.set(row, parsed.text);
    this.given.add(row);
    return null;
  }

  private loadUser(values: readonly string[]): string | null {
    const words = values.map((value) => Buffer.from(value).toString('latin1'));
    const isKnown = this.users.some(([name]) => name === words[0]);
    const reason = isKnown ? DUPLICATE_USER : checkUser(words);
    if (reason !== null) return `Error in user declaration '${values[0]}': ${reason}`;
    this.users.push(words);
    return null;
  }

  /** Directives that were given a value other than the default but have no effect in this build: worth a warning. */
  ignored(): string[] {
    return [...this.given].filter((name) => {
      const row: Setting = SETTINGS[name];
      return row.help === undefined && this.read(name) !== initialText(row, this.limits);
    });
  }

  /** Whether this build does anything with a setting. */
  isActedOn(name: string): boolean {
    const row = NAMES.get(name);
    return row !== undefined && (SETTINGS[row] as Setting).help !== undefined;
  }

  private read(name: SettingName): string {
    return this.values.get(name) ?? '';
  }

  private parse(name: SettingName, values: readonly string[], current: string, isRepeated: boolean) {
    const { type }: Setting = SETTINGS[name];
    const words = type.takesMany && values.length === 1 ? values[0]!.split(' ') : values;
    if (words.length === 0 || (words.length > 1 && !type.takesMany))
      return { error: 'wrong number of arguments' };
    return type.parse(words, { current, isRepeated, limits: this.limits });
  }

  /** The checks of CONFIG SET that come before any value is looked at; the first pair that fails one decides. */
  private refuse(pairs: readonly (readonly [string, string])[], isLocal: boolean): string | null {
    const seen = new Set<string>();
    const protection = this.text('enable-protected-configs');
    const mayChangeProtected = protection === 'yes' || (protection === 'local' && isLocal);
    for (const [name] of pairs) {
      const row = NAMES.get(name.toLowerCase());
      if (row === undefined) return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
      const { isFixed, isProtected }: Setting = SETTINGS[row];
      if (isFixed) return setFailed(name, "can't set immutable config");
      if (isProtected && !mayChangeProtected) return setFailed(name, "can't set protected config");
      // Redis: an old name counts as another parameter, and the later of the two wins.
      if (seen.has(name.toLowerCase())) return setFailed(name, 'duplicate parameter');
      seen.add(name.toLowerCase());
    }
    return null;
  }
}

function matchNames(pattern: string): string[] {
  const glob = encoder.encode(pattern);
  return [...NAMES.keys()].filter((name) => {
    const bytes = encoder.encode(name);
    return globMatch(glob, 0, glob.length, bytes, 0, bytes.length, true);
  });
}

function initialText(row: Setting, limits: MachineLimits): string {
  return typeof row.initial === 'string' ? row.initial : row.initial(limits);
}

function setFailed(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}
