/** Random memcached commands, text and meta, over a few keys, and what must be left out of a comparison of replies. */
import { Prng } from '../support/prng.ts';

/** A cas number that the server under test gave for a key: the newest one seen, the one before, or none it ever gave. */
export type CasChoice = 'newest' | 'older' | 'never';

export interface MemcachedCommand {
  /** With `{cas}` where the cas number goes. */
  readonly request: string;
  readonly key: string;
  readonly cas: CasChoice;
}

export const MEMCACHED_KEYS = ['a', 'b', 'counter', 'n2', 'key:with:colons', 'k'.repeat(40), 'x'.repeat(250)];
const NUMBER_KEYS = ['counter', 'n2'];
const VALUES = [
  '',
  'x',
  '0',
  '5',
  '10',
  '100',
  '99',
  '9007199254740999',
  ' 7 ',
  '12ab',
  'two\r\nlines',
  '\0\xff',
  'v'.repeat(300),
];
const TTLS = ['0', '1000', '5000', '-1', '2000000000'];
/** No number here reaches 2^63: for those memcached looks for a minus sign in whatever memory lies behind the value. */
const DELTAS = ['0', '1', '7', '95', '1000', '9007199254740993'];
const ODD_LINES = [
  'foo',
  '',
  'get',
  'get ' + 'z'.repeat(251),
  'gat x a',
  'gat 0',
  'set a 0 0',
  'set a 0 0 x',
  'set a -1 0 1',
  'touch a',
  'touch a x',
  // memcached passes over the last word; a time so near would come during the test, in whole seconds there.
  'touch a 5000 2',
  'incr a x',
  'incr a -1',
  'incr a 18446744073709551616',
  'delete a 1',
  'delete a b c d',
  'delete a 0',
  'delete',
  'verbosity',
  'verbosity 1',
  'version',
  'mg',
  'mg a v v',
  'mg a Z',
  'mg a b',
  'mg a Tx',
  'mg a Cx',
  'md',
  'md a Z',
  'md a q q',
  'ma',
  'ma a Mz',
  'ma a Dx',
  'ma a Jx',
  'ms a',
  'ms a x',
  'ms a -1',
  'me',
  'mx a',
  'me a',
  'me zz',
  'me YQ== b',
  'GET a',
  'flush_all x',
  'stats foo',
  'stats detail',
  'shutdown',
  'md a O' + '1'.repeat(33),
  'mg a ' + 'P1 L2 '.repeat(12),
  'cas a 0 0 1',
  'cas a 0 0 x 1',
  ' get  a ',
  'mg a MEE',
  'ma a Fx',
  'mg a Fx',
];

export class CommandGenerator {
  private readonly prng: Prng;

  constructor(seed: number) {
    this.prng = new Prng(seed);
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.prng.below(choices.length)]!;
  }

  private chance(percent: number): boolean {
    return this.prng.below(100) < percent;
  }

  next(): MemcachedCommand {
    const key = this.pick(this.chance(30) ? NUMBER_KEYS : MEMCACHED_KEYS);
    const cas = this.pick<CasChoice>(['newest', 'newest', 'older', 'never']);
    const make = this.pick([
      () => this.read(key),
      () => this.read(key),
      () => this.store(key),
      () => this.store(key),
      () => this.number(key),
      () => this.small(key),
      () => this.metaGet(key),
      () => this.metaGet(key),
      () => this.metaSet(key),
      () => this.metaSet(key),
      () => this.metaDelete(key),
      () => this.metaArithmetic(key),
      () => this.odd(),
    ]);
    return { request: make(), key, cas };
  }

  private read(key: string): string {
    const keys = [key];
    while (this.chance(30)) keys.push(this.pick(MEMCACHED_KEYS));
    const verb = this.pick(['get', 'gets', 'gat', 'gats']);
    return `${verb} ${verb.startsWith('gat') ? `${this.pick(TTLS)} ` : ''}${keys.join(' ')}\r\n`;
  }

  private store(key: string): string {
    const verb = this.pick(['set', 'set', 'add', 'replace', 'append', 'prepend', 'cas', 'cas']);
    const value = this.pick(VALUES);
    const byteCount = value.length + (this.chance(3) ? this.pick([-1, 1]) : 0);
    const head = `${verb} ${key} ${this.pick(['0', '0', '7', '4294967295'])} ${this.pick(TTLS)} ${Math.max(byteCount, 0)}`;
    const tail = `${verb === 'cas' ? ' {cas}' : ''}${this.chance(15) ? ' noreply' : ''}`;
    // A block announced too long swallows what follows: a line end of its own ends it in the middle of that.
    return `${head}${tail}\r\n${value}\r\n${byteCount > value.length ? '\r\n' : ''}`;
  }

  private number(key: string): string {
    const noReply = this.chance(15) ? ' noreply' : '';
    if (this.chance(10)) return `decr ${key} 18446744073709551615${noReply}\r\n`;
    return `${this.pick(['incr', 'decr'])} ${key} ${this.pick(DELTAS)}${noReply}\r\n`;
  }

  private small(key: string): string {
    const noReply = this.chance(20) ? ' noreply' : '';
    if (this.chance(3)) return `flush_all${noReply}\r\n`;
    if (this.chance(50)) return `delete ${key}${noReply}\r\n`;
    return `touch ${key} ${this.pick(TTLS)}${noReply}\r\n`;
  }

  private odd(): string {
    return `${this.pick(ODD_LINES)}\r\n`;
  }

  /** Some of `flags` in random order; each has a chance of its own. */
  private flags(percent: number, flags: readonly string[]): string {
    const chosen = flags
      .filter(() => this.chance(percent))
      .map((flag) => ({ flag, at: this.prng.below(1000) }));
    return chosen
      .toSorted((a, b) => a.at - b.at)
      .map(({ flag }) => ` ${flag}`)
      .join('');
  }

  private metaKey(key: string): [string, string] {
    const encoded = Buffer.from(key).toString('base64');
    return this.chance(15) && encoded.length <= 250 ? [encoded, ' b'] : [key, ''];
  }

  private metaGet(key: string): string {
    const [sent, binary] = this.metaKey(key);
    const plain = ['v', 'k', 's', 'c', 'f', 'h', 'l', 'q', 'u', 'Oopaque', 'R3000', 'Lx'];
    const expiring = this.chance(20)
      ? this.flags(100, ['v', `${this.pick(['T', 'N'])}-1`])
      : this.flags(25, [
          ...plain,
          't',
          `T${this.pick(['0', '1000', '5000'])}`,
          `N${this.pick(['0', '1000', '5000'])}`,
        ]);
    return `mg ${sent}${binary}${expiring}\r\n`;
  }

  private metaSet(key: string): string {
    const [sent, binary] = this.metaKey(key);
    const value = this.pick(VALUES);
    const flags = this.flags(20, [
      'k',
      'c',
      'q',
      'Oopaque',
      'F9',
      `T${this.pick(TTLS)}`,
      'C{cas}',
      'I',
      `M${this.pick([...'EAPRSX'])}`,
    ]);
    return `ms ${sent} ${value.length}${binary}${flags}\r\n${value}\r\n`;
  }

  private metaDelete(key: string): string {
    const [sent, binary] = this.metaKey(key);
    return `md ${sent}${binary}${this.flags(25, ['k', 'q', 'Oopaque', 'I', `T${this.pick(TTLS)}`, 'C{cas}'])}\r\n`;
  }

  /** Without flag T: memcached sets it on the item it is about to throw away when the number grows. */
  private metaArithmetic(key: string): string {
    const [sent, binary] = this.metaKey(key);
    const plain = [
      'k',
      'q',
      'v',
      'c',
      't',
      'Oopaque',
      'C{cas}',
      `D${this.pick(DELTAS)}`,
      `J${this.pick(DELTAS)}`,
    ];
    const timed = [`N${this.pick(['0', '5000'])}`, `M${this.pick([...'ID+-'])}`];
    return `ma ${sent}${binary}${this.flags(25, [...plain, ...timed])}\r\n`;
  }
}

/** The cas numbers one server gave, by key, in the order in which they were first seen. */
export class CasNumbers {
  private readonly seen = new Map<string, string[]>();

  /** A number to send for `key`. */
  choose(key: string, choice: CasChoice): string {
    const numbers = this.seen.get(key) ?? [];
    return (choice === 'never' ? undefined : numbers.at(choice === 'newest' ? -1 : -2)) ?? '9007199254740000';
  }

  /**
   * `reply` with each cas number replaced by its place in that order, and without what two servers need not share:
   * seconds that have passed, how a key given back is written, and in what memory an item lies.
   */
  normalise(command: MemcachedCommand, reply: string): string {
    return reply
      .replace(
        /^VALUE (\S+) (\d+) (\d+) (\d+)\r$/gm,
        (_all, key: string, flags: string, size: string, cas: string) => {
          return `VALUE ${key} ${flags} ${size} cas${this.place(key, cas)}\r`;
        },
      )
      .replace(
        /^ME \S+ exp=(-?\d+) la=\d+ cas=\d+ fetch=(\w+).*\r$/gm,
        (_all, expiry: string, fetched: string) => {
          return `ME exp=${roughly(expiry)} fetch=${fetched}\r`;
        },
      )
      .replace(/^(HD|VA \d+|EN|NF|NS|EX)( .*)?\r$/gm, (_all, code: string, flags = '') => {
        const normal = (flags as string)
          .replace(/ k\S+( b\b)?/, ' k')
          .replace(/ c(\d+)/, (_flag, cas: string) => ` c${cas === '0' ? '0' : this.place(command.key, cas)}`)
          .replace(/ t(\d+)/, (_flag, seconds: string) => ` t${roughly(seconds)}`)
          .replace(/ l\d+/, ' l');
        return `${code}${normal}\r`;
      });
  }

  private place(key: string, cas: string): number {
    const numbers = this.seen.get(key) ?? [];
    this.seen.set(key, numbers);
    if (!numbers.includes(cas)) numbers.push(cas);
    return numbers.indexOf(cas);
  }
}

/** Seconds left, to within what may have passed on one of the servers' clocks. */
function roughly(seconds: string): string {
  const tens = Math.round(Number(seconds) / 10);
  return Math.abs(tens) > 1000 ? 'long' : String(tens);
}
