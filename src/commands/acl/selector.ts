/**
 * One set of access rules: which commands, on which keys, and which channels. A user has a root selector and any number
 * of others, and may do what one of them allows in full. Rules are read and printed as Redis 7.0 does. Text is latin1, a
 * character for each byte, so that patterns may hold any.
 */
import { globMatch } from '../../base/glob.ts';
import type { Command } from '../registry.ts';
import { KeyFlag } from '../row.ts';
import { ACL_CATEGORIES } from '../server/command-facts.ts';
import { CommandBits, type CommandSets } from './command-sets.ts';

/** What a key pattern allows. */
export const enum KeyAccess {
  None = 0,
  Read = 1,
  Write = 2,
  All = 3,
}

export interface KeyPattern {
  readonly text: string;
  readonly bytes: Uint8Array;
  access: number;
}

export interface ChannelPattern {
  readonly text: string;
  readonly bytes: Uint8Array;
}

export const UNKNOWN_COMMAND = 'Unknown command or category name in ACL';
export const RULE_SYNTAX = 'Syntax error';
const AFTER_ALL_KEYS =
  "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try " +
  "'resetkeys' to start with an empty list of patterns";
const AFTER_ALL_CHANNELS =
  "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try " +
  "'resetchannels' to start with an empty list of channels";
const FIRST_ARGUMENT_OF_SUB = 'Allowing first-arg of a subcommand is not supported';

export class Selector {
  allCommands = false;
  allKeys = false;
  allChannels: boolean;
  /** Began with +@all: printed as what it lacks, and commands to come would be allowed. */
  isSubtractive = false;
  readonly commands = new CommandBits();
  /** First arguments with which a command that is not allowed is allowed, by command id. */
  firstArguments = new Map<number, string[]>();
  keys: KeyPattern[] = [];
  channels: ChannelPattern[] = [];

  constructor(allChannels: boolean) {
    this.allChannels = allChannels;
  }

  /** A copy that shares nothing that a rule changes. */
  clone(): Selector {
    const copy = new Selector(this.allChannels);
    copy.allCommands = this.allCommands;
    copy.allKeys = this.allKeys;
    copy.isSubtractive = this.isSubtractive;
    copy.commands.copyFrom(this.commands);
    for (const [id, words] of this.firstArguments) copy.firstArguments.set(id, [...words]);
    copy.keys = this.keys.map((pattern) => ({ ...pattern }));
    copy.channels = [...this.channels];
    return copy;
  }

  get isUnrestricted(): boolean {
    return this.allCommands && this.allKeys && this.allChannels;
  }

  /** Applies one rule; returns what is wrong with it, or null. A wrong one changes nothing. */
  apply(rule: string, sets: CommandSets): string | null {
    switch (rule.toLowerCase()) {
      case '':
        return null;
      case 'allkeys':
      case '~*':
        return this.setKeys(true);
      case 'resetkeys':
        return this.setKeys(false);
      case 'allchannels':
      case '&*':
        return this.setChannels(true);
      case 'resetchannels':
        return this.setChannels(false);
      case 'allcommands':
      case '+@all':
        return this.setCommands(true);
      case 'nocommands':
      case '-@all':
        return this.setCommands(false);
    }
    switch (rule[0]) {
      case '~':
      case '%':
        return this.addKeys(rule);
      case '&':
        return this.addChannels(rule.slice(1));
      case '+':
      case '-':
        if (rule[1] === '@') return this.applyCategory(rule.slice(2), rule[0] === '+', sets);
        return this.applyCommand(rule.slice(1), rule[0] === '+', sets);
      default:
        return RULE_SYNTAX;
    }
  }

  private setKeys(all: boolean): null {
    this.allKeys = all;
    this.keys = [];
    return null;
  }

  private setChannels(all: boolean): null {
    this.allChannels = all;
    this.channels = [];
    return null;
  }

  private setCommands(all: boolean): null {
    this.allCommands = all;
    this.isSubtractive = all;
    this.commands.fill(all);
    this.firstArguments.clear();
    return null;
  }

  private addKeys(rule: string): string | null {
    if (this.allKeys) return AFTER_ALL_KEYS;
    // Redis takes a `%R` that no `~` follows for one with an empty pattern.
    const parts = /^(?:~|%(r|w|rw|wr)(?:~|$))([^]*)$/i.exec(rule);
    if (parts === null) return RULE_SYNTAX;
    const [, letters, text] = parts;
    if (hasSpaces(text!)) return RULE_SYNTAX;
    const access = letters === undefined ? KeyAccess.All : accessOf(letters);
    const same = this.keys.find((pattern) => pattern.text === text);
    if (same !== undefined) same.access |= access;
    else this.keys.push({ text: text!, bytes: Buffer.from(text!, 'latin1'), access });
    return null;
  }

  private addChannels(text: string): string | null {
    if (this.allChannels) return AFTER_ALL_CHANNELS;
    if (hasSpaces(text)) return RULE_SYNTAX;
    if (!this.channels.some((pattern) => pattern.text === text)) {
      this.channels.push({ text, bytes: Buffer.from(text, 'latin1') });
    }
    return null;
  }

  private applyCategory(name: string, isAllowed: boolean, sets: CommandSets): string | null {
    const commands = sets.category(name);
    if (commands === null) return UNKNOWN_COMMAND;
    for (const command of commands) this.allow(command, isAllowed);
    return null;
  }

  private applyCommand(name: string, isAllowed: boolean, sets: CommandSets): string | null {
    const command = sets.command(name);
    const barAt = name.lastIndexOf('|');
    if (barAt < 0 || !isAllowed) {
      if (command === null) return UNKNOWN_COMMAND;
      this.allow(command, isAllowed);
      return null;
    }
    const container = sets.command(name.slice(0, barAt));
    const word = name.slice(barAt + 1);
    if (container === null) return UNKNOWN_COMMAND;
    if (container.name.includes('|')) return FIRST_ARGUMENT_OF_SUB;
    if (word === '') return RULE_SYNTAX;
    if (container.subs === null) this.allowFirstArgument(container.id, word);
    else if (command === null) return UNKNOWN_COMMAND;
    else this.allow(command, true);
    return null;
  }

  private allow(command: Command, isAllowed: boolean): void {
    this.allowId(command.id, isAllowed);
    if (command.subs !== null) for (const sub of command.subs.values()) this.allowId(sub.id, isAllowed);
  }

  private allowId(id: number, isAllowed: boolean): void {
    this.commands.put(id, isAllowed);
    if (!isAllowed) this.allCommands = false;
    this.firstArguments.delete(id);
  }

  private allowFirstArgument(id: number, word: string): void {
    const words = this.firstArguments.get(id) ?? [];
    if (!words.some((known) => known.toLowerCase() === word.toLowerCase())) words.push(word);
    this.firstArguments.set(id, words);
  }

  /** Whether a key may be used as a set of KeyFlag says. */
  allowsKey(u8: Uint8Array, at: number, byteCount: number, keyFlags: number): boolean {
    if (this.allKeys) return true;
    const access = wantedAccess(keyFlags);
    for (const pattern of this.keys) {
      if ((pattern.access & access) !== access) continue;
      if (globMatch(pattern.bytes, 0, pattern.bytes.length, u8, at, at + byteCount, false)) return true;
    }
    return false;
  }

  /** Whether a channel may be used. A pattern of channels must be allowed by the same words. */
  allowsChannel(u8: Uint8Array, at: number, byteCount: number, isPattern: boolean): boolean {
    if (this.allChannels) return true;
    for (const { bytes } of this.channels) {
      if (isPattern) {
        if (bytes.length === byteCount && Buffer.compare(bytes, u8.subarray(at, at + byteCount)) === 0)
          return true;
      } else if (globMatch(bytes, 0, bytes.length, u8, at, at + byteCount, false)) return true;
    }
    return false;
  }

  /** Its rules in the form in which they can be given again. */
  describe(sets: CommandSets): string {
    const words = this.allKeys ? ['~*'] : this.keys.map(keyRule);
    if (this.allChannels) words.push('&*');
    else words.push('resetchannels', ...this.channels.map(({ text }) => `&${text}`));
    return [...words, this.describeCommands(sets)].join(' ');
  }

  describeKeys(): string {
    return this.allKeys ? '~*' : this.keys.map(keyRule).join(' ');
  }

  describeChannels(): string {
    return this.allChannels ? '&*' : this.channels.map(({ text }) => `&${text}`).join(' ');
  }

  /**
   * The command rules alone. Redis 7.0 keeps no rules but what they lead to, and prints the categories that come nearest
   * to it, then single commands. Its order of these is random; ours is that of the registry.
   */
  describeCommands(sets: CommandSets): string {
    const isAdding = !this.isSubtractive;
    const printed = new Selector(false);
    printed.setCommands(!isAdding);
    const rules = [isAdding ? '-@all' : '+@all'];
    this.describeCategories(sets, isAdding, printed, rules);
    for (const command of sets.registry.commands) {
      const isAllowed = this.commands.has(command.id);
      if (isAllowed !== printed.commands.has(command.id)) {
        rules.push(`${isAllowed ? '+' : '-'}${command.name}`);
        printed.allow(command, isAllowed);
      }
      for (const word of isAllowed ? [] : (this.firstArguments.get(command.id) ?? [])) {
        rules.push(`+${command.name}|${word}`);
      }
    }
    return rules.join(' ');
  }

  private describeCategories(sets: CommandSets, isAdding: boolean, printed: Selector, rules: string[]): void {
    const rest = new Selector(false);
    rest.commands.copyFrom(this.commands);
    const open = new Set(ACL_CATEGORIES);
    for (;;) {
      const best = bestCategory(sets, open, rest, isAdding);
      if (best === null) return;
      open.delete(best);
      rules.push(`${isAdding ? '+' : '-'}@${best}`);
      printed.applyCategory(best, isAdding, sets);
      rest.applyCategory(best, !isAdding, sets);
    }
  }
}

/** The category that has more in common with the commands still to be told than not, and the least that is not. */
function bestCategory(
  sets: CommandSets,
  open: ReadonlySet<string>,
  rest: Selector,
  isAdding: boolean,
): string | null {
  let best: string | null = null;
  let leastOther = Infinity;
  let mostSame = 0;
  for (const name of open) {
    const commands = sets.category(name)!;
    const same = commands.filter(({ id }) => rest.commands.has(id) === isAdding).length;
    const other = commands.length - same;
    if (same <= other || other > leastOther || (other === leastOther && same <= mostSame)) continue;
    best = name;
    leastOther = other;
    mostSame = same;
  }
  return best;
}

function keyRule({ text, access }: KeyPattern): string {
  if (access === KeyAccess.All) return `~${text}`;
  return `${access === KeyAccess.Read ? '%R' : '%W'}~${text}`;
}

function accessOf(letters: string): number {
  const lower = letters.toLowerCase();
  return (lower.includes('r') ? KeyAccess.Read : 0) | (lower.includes('w') ? KeyAccess.Write : 0);
}

/** What a set of KeyFlag asks for. */
function wantedAccess(keyFlags: number): number {
  const write = KeyFlag.Insert | KeyFlag.Delete | KeyFlag.Update;
  return (
    ((keyFlags & KeyFlag.Access) !== 0 ? KeyAccess.Read : 0) |
    ((keyFlags & write) !== 0 ? KeyAccess.Write : 0)
  );
}

/** Redis: white space as C's isspace knows it, or a NUL. */
export function hasSpaces(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /[\t-\r \0]/.test(text);
}
