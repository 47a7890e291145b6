/** One user: whether it may log in, by which passwords, and what it may then do. Changed by rules, all of them or none. */
import { createHash } from 'node:crypto';
import type { CommandSets } from './command-sets.ts';
import { Selector } from './selector.ts';

const HASH = /^[0-9a-f]{64}$/;
const BAD_HASH =
  'The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters';
const NO_SUCH_PASSWORD = 'The password you are trying to remove from the user does not exist';

/** A rule that was not taken, and why. */
export interface RuleError {
  readonly rule: string;
  readonly reason: string;
}

export class User {
  readonly name: string;
  isOn = false;
  /** Any password will do. */
  hasNoPassword = false;
  sanitizesPayload: boolean | null = null;
  /** SHA-256 in hexadecimal digits. */
  passwords: string[] = [];
  root: Selector;
  others: Selector[] = [];
  private readonly defaultAllChannels: boolean;

  constructor(name: string, defaultAllChannels: boolean) {
    this.name = name;
    this.defaultAllChannels = defaultAllChannels;
    this.root = new Selector(defaultAllChannels);
  }

  clone(): User {
    const copy = new User(this.name, this.defaultAllChannels);
    copy.isOn = this.isOn;
    copy.hasNoPassword = this.hasNoPassword;
    copy.sanitizesPayload = this.sanitizesPayload;
    copy.passwords = [...this.passwords];
    copy.root = this.root.clone();
    copy.others = this.others.map((selector) => selector.clone());
    return copy;
  }

  /** May do everything, so that nothing need be checked. */
  get isUnrestricted(): boolean {
    return this.root.isUnrestricted;
  }

  /** Applies rules up to the first that is wrong; the caller throws the user away then. */
  applyAll(rules: readonly string[], sets: CommandSets): RuleError | null {
    for (const rule of rules) {
      const reason = this.apply(rule, sets);
      if (reason !== null) return { rule, reason };
    }
    return null;
  }

  /** Applies one rule. Returns what is wrong with it, or null. */
  apply(rule: string, sets: CommandSets): string | null {
    switch (rule.toLowerCase()) {
      case 'on':
      case 'off':
        this.isOn = rule.length === 2;
        return null;
      case 'nopass':
      case 'resetpass':
        this.hasNoPassword = rule.toLowerCase() === 'nopass';
        this.passwords = [];
        return null;
      case 'sanitize-payload':
      case 'skip-sanitize-payload':
        this.sanitizesPayload = rule.length === 'sanitize-payload'.length;
        return null;
      case 'clearselectors':
        this.others = [];
        return null;
      case 'reset':
        this.reset();
        return null;
    }
    if ('><#!'.includes(rule[0] ?? ' ')) return this.applyPassword(rule);
    if (rule.startsWith('(') && rule.endsWith(')')) return this.addSelector(rule.slice(1, -1), sets);
    return this.root.apply(rule, sets);
  }

  private reset(): void {
    this.isOn = false;
    this.hasNoPassword = false;
    this.passwords = [];
    this.sanitizesPayload = true;
    this.root = new Selector(this.defaultAllChannels);
    this.others = [];
  }

  private applyPassword(rule: string): string | null {
    const text = rule.slice(1);
    const isClear = rule[0] === '>' || rule[0] === '<';
    if (!isClear && !HASH.test(text)) return BAD_HASH;
    const hash = isClear ? hashPassword(Buffer.from(text, 'latin1')) : text;
    const isKnown = this.passwords.includes(hash);
    if (rule[0] === '>' || rule[0] === '#') {
      if (!isKnown) this.passwords.push(hash);
      this.hasNoPassword = false;
      return null;
    }
    if (!isKnown) return NO_SUCH_PASSWORD;
    this.passwords = this.passwords.filter((known) => known !== hash);
    return null;
  }

  private addSelector(rules: string, sets: CommandSets): string | null {
    const selector = new Selector(this.defaultAllChannels);
    for (const rule of rules.split(' ')) {
      const reason = selector.apply(rule, sets);
      if (reason !== null) return reason;
    }
    this.others.push(selector);
    return null;
  }

  /** The words that GETUSER tells and LIST begins with. */
  flagWords(): string[] {
    const words = [this.isOn ? 'on' : 'off'];
    if (this.hasNoPassword) words.push('nopass');
    if (this.sanitizesPayload !== null)
      words.push(this.sanitizesPayload ? 'sanitize-payload' : 'skip-sanitize-payload');
    return words;
  }

  /** The rules that make such a user of a new one: a line of ACL LIST without the name. */
  rules(sets: CommandSets): string[] {
    return [
      ...this.flagWords(),
      ...this.passwords.map((hash) => `#${hash}`),
      ...this.root.describe(sets).split(' '),
      ...this.others.map((selector) => `(${selector.describe(sets)})`),
    ];
  }

  describe(sets: CommandSets): string {
    return `user ${this.name} ${this.rules(sets).join(' ')}`;
  }
}

export function hashPassword(password: Uint8Array): string {
  return createHash('sha256').update(password).digest('hex');
}

export type MergedRules = { readonly rules: string[] } | { readonly unmatched: string };

/** Puts together the words of a selector that were given one by one: `(+get`, `~key)`. */
export function mergeSelectorWords(words: readonly string[]): MergedRules {
  const rules: string[] = [];
  let open: string[] | null = null;
  for (const word of words) {
    if (open !== null) open.push(word);
    else if (word.startsWith('(') && !word.endsWith(')')) {
      open = [word];
      continue;
    } else rules.push(word);
    if (open !== null && word.endsWith(')')) {
      rules.push(open.join(' '));
      open = null;
    }
  }
  return open === null ? { rules } : { unmatched: open[0]! };
}
