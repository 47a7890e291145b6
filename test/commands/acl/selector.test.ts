import { describe, expect, test } from 'bun:test';
import { CommandSets } from '../../../src/commands/acl/command-sets.ts';
import { Selector } from '../../../src/commands/acl/selector.ts';
import { mergeSelectorWords, User } from '../../../src/commands/acl/user.ts';
import { FAMILIES } from '../../../src/commands/families.ts';
import { Registry } from '../../../src/commands/registry.ts';
import { ACL_CATEGORIES } from '../../../src/commands/server/command-facts.ts';
import { KeyFlag } from '../../../src/commands/row.ts';
import { Prng } from '../../support/prng.ts';

const sets = new CommandSets(new Registry(FAMILIES));
const READ = KeyFlag.ReadOnly | KeyFlag.Access;
const WRITE = KeyFlag.Overwrite | KeyFlag.Update;

function selectorOf(...rules: string[]): Selector {
  const selector = new Selector(false);
  for (const rule of rules) expect([rule, selector.apply(rule, sets)]).toEqual([rule, null]);
  return selector;
}

function allowsKey(selector: Selector, key: string, flags: number): boolean {
  const bytes = Buffer.from(`?${key}?`);
  return selector.allowsKey(bytes, 1, bytes.length - 2, flags);
}

describe('key patterns', () => {
  test.each([
    ['~a*', 'ab', READ | WRITE, true],
    ['~a*', 'b', READ, false],
    ['%R~a', 'a', READ, true],
    ['%R~a', 'a', WRITE, false],
    ['%W~a', 'a', WRITE, true],
    ['%W~a', 'a', KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update, false],
    ['%W~a', 'a', KeyFlag.Remove | KeyFlag.Delete, true],
    ['%W~a', 'a', KeyFlag.ReadWrite | KeyFlag.Insert, true],
    ['%RW~[ab]?', 'bx', READ | WRITE, true],
    ['%R~a', 'a', KeyFlag.ReadOnly, true],
    ['allkeys', 'x', READ | WRITE, true],
  ])('%s allows %s with flags %i: %p', (rule, key, flags, expected) => {
    expect(allowsKey(selectorOf(rule), key, flags)).toBe(expected);
  });

  test('one pattern must allow all that is done to a key; the same pattern twice is one', () => {
    expect(allowsKey(selectorOf('%R~a*', '%W~ab'), 'ab', READ | KeyFlag.Update)).toBe(false);
    const same = selectorOf('%R~a', '%W~a');
    expect(allowsKey(same, 'a', READ | KeyFlag.Update)).toBe(true);
    expect(same.describeKeys()).toBe('~a');
  });
});

describe('channels', () => {
  test('a channel must match, a pattern of channels must be given in the same words', () => {
    const selector = selectorOf('&ch*');
    const bytes = Buffer.from('channel');
    expect(selector.allowsChannel(bytes, 0, bytes.length, false)).toBe(true);
    expect(selector.allowsChannel(bytes, 0, bytes.length, true)).toBe(false);
    expect(selector.allowsChannel(Buffer.from('ch*'), 0, 3, true)).toBe(true);
  });
});

describe('the text of command rules', () => {
  test.each([
    [['+@all'], '+@all'],
    [['+@all', '-get', '-config|set'], '+@all -get -config|set'],
    [['+get', '+config'], '-@all +get +config'],
    [['+config', '-config|get'], '-@all +config -config|get'],
    [['+select|0', '+select|1', '+SELECT|0'], '-@all +select|0 +select|1'],
    [['+select|0', '+select'], '-@all +select'],
    [['+select|0', '-select'], '-@all'],
    [['+@all', '-@all', '+ping'], '-@all +ping'],
    [['+@connection'], '-@all +@connection'],
    [['+@all', '-@dangerous', '-@string'], '+@all -@string -@dangerous'],
  ])('%p: %s', (rules, text) => {
    const words = (rulesText: string): string[] => rulesText.split(' ').sort();
    expect(words(selectorOf(...rules).describeCommands(sets))).toEqual(words(text));
  });

  test('of random rules leads to the same selector and the same text', () => {
    const seed = Date.now() % 1_000_000;
    const prng = new Prng(seed);
    const { commands } = sets.registry;
    for (let round = 0; round < 200; round++) {
      const rules = Array.from({ length: 1 + prng.below(12) }, () => {
        const sign = prng.below(2) === 0 ? '+' : '-';
        if (prng.below(4) === 0) return `${sign}@${ACL_CATEGORIES[prng.below(ACL_CATEGORIES.length)]!}`;
        if (prng.below(10) === 0) return `${sign}@all`;
        if (prng.below(10) === 0) return `+get|${prng.below(3)}`;
        return sign + commands[prng.below(commands.length)]!.name;
      });
      const selector = selectorOf(...rules);
      const text = selector.describeCommands(sets);
      const again = selectorOf(...text.split(' '));
      expect([seed, again.describeCommands(sets)]).toEqual([seed, text]);
      for (const { id, name } of commands) {
        expect([seed, name, again.commands.has(id)]).toEqual([seed, name, selector.commands.has(id)]);
      }
      // Of a command that is allowed the first arguments do not matter, and are not told.
      for (const id of selector.firstArguments.keys()) {
        if (selector.commands.has(id)) selector.firstArguments.delete(id);
      }
      expect(again.firstArguments).toEqual(selector.firstArguments);
    }
  });
});

describe('users', () => {
  test('the words of a selector are put together', () => {
    expect(mergeSelectorWords(['on', '(+get', '~a', '~b)', '(+set)', 'x'])).toEqual({
      rules: ['on', '(+get ~a ~b)', '(+set)', 'x'],
    });
    expect(mergeSelectorWords(['(+get', '(+set'])).toEqual({ unmatched: '(+get' });
  });

  test('a copy shares nothing that rules change', () => {
    const user = new User('u', false);
    user.applyAll(['>p', '~a', '&c', '+get', '+select|0', '(+set)'], sets);
    const before = user.describe(sets);
    user
      .clone()
      .applyAll(['resetpass', '~b', '%R~a', '&d', '-get', '+select|1', 'clearselectors', 'on'], sets);
    expect(user.describe(sets)).toBe(before);
  });

  test('its rules make the same user of a new one, whatever new users may do', () => {
    const user = new User('u', true);
    user.applyAll(
      ['on', '>p', '%R~a', 'resetchannels', '+@all', '-config|set', '(+get ~x)', 'skip-sanitize-payload'],
      sets,
    );
    for (const allChannels of [true, false]) {
      const again = new User('u', allChannels);
      expect(again.applyAll(user.rules(sets), sets)).toBeNull();
      expect(again.describe(sets)).toBe(user.describe(sets));
    }
  });

  test('an empty selector that may use all channels stays so', () => {
    const user = new User('u', true);
    user.apply('(+get)', sets);
    const again = new User('u', false);
    again.applyAll(user.rules(sets), sets);
    expect(again.describe(sets)).toBe(user.describe(sets));
  });
});
