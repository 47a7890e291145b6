import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { FAMILIES } from '../../src/commands/families.ts';
import { Registry } from '../../src/commands/registry.ts';
import { encodeArguments, findArguments } from '../../src/commands/server/argument-docs.ts';
import { ARGUMENTS_7 } from '../../src/commands/server/command-arguments-7.ts';
import { ARGUMENTS_NEWER } from '../../src/commands/server/command-arguments-newer.ts';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { type Reply, replyValue } from '../support/reply.ts';
import { TestServer } from '../support/test-server.ts';

const registry = new Registry(FAMILIES);

/** Commands that take more than in Redis 7.0. */
const TAKE_MORE = ['set'];

/** Of nested names and values, by name, what is said of arguments, without the text to be shown, which is newer. */
function collect(docs: Reply, into: Map<string, Reply>): Map<string, Reply> {
  const list = docs as Reply[];
  for (let i = 0; i < list.length; i += 2) {
    const facts = list[i + 1] as Reply[];
    const at = facts.indexOf('arguments');
    if (at >= 0) into.set(String(list[i]), withoutDisplayText(facts[at + 1]!));
    const subsAt = facts.indexOf('subcommands');
    if (subsAt >= 0) collect(facts[subsAt + 1]!, into);
  }
  return into;
}

function withoutDisplayText(args: Reply): Reply {
  return (args as Reply[][]).map((facts) => {
    const kept: Reply[] = [];
    for (let i = 0; i < facts.length; i += 2) {
      if (facts[i] === 'display_text') continue;
      kept.push(facts[i]!, facts[i] === 'arguments' ? withoutDisplayText(facts[i + 1]!) : facts[i + 1]!);
    }
    return kept;
  });
}

describe('arguments of commands', () => {
  test('are those of commands there are, each line parsed whole', () => {
    for (const line of `${ARGUMENTS_NEWER}${ARGUMENTS_7}`.trim().split('\n').filter(Boolean)) {
      const [name = ''] = line.split(' ', 1);
      const [container = '', sub] = name.split('|');
      const command = registry.byName.get(container);
      expect([name, sub === undefined ? command !== undefined : command?.subs?.has(sub)]).toEqual([
        name,
        true,
      ]);
      expect(encodeArguments(findArguments(name)!)).toBe(
        (ARGUMENTS_NEWER.includes(`\n${name} `) ? ARGUMENTS_NEWER : ARGUMENTS_7)
          .split('\n')
          .find((one) => one.startsWith(`${name} `))!
          .slice(name.length + 1),
      );
    }
  });

  test('are told with names, types, tokens, versions and what they consist of', () => {
    const server = new TestServer();
    const [, facts] = replyValue(server.run('COMMAND', 'DOCS', 'hpersist')) as [string, Reply[]];
    expect(facts.slice(-2)).toEqual([
      'arguments',
      [
        ['name', 'key', 'type', 'key', 'display_text', 'key', 'key_spec_index', 0],
        [
          'name',
          'fields',
          'type',
          'block',
          'token',
          'FIELDS',
          'arguments',
          [
            ['name', 'numfields', 'type', 'integer', 'display_text', 'numfields'],
            ['name', 'field', 'type', 'string', 'display_text', 'field', 'flags', ['multiple']],
          ],
        ],
      ],
    ]);
  });
});

describe.skipIf(isOracleMissing('redis-server'))('arguments and redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server', []);
  });
  afterAll(() => oracle.stop());

  test('agree for every command that both have', async () => {
    const client = await OracleClient.connect(oracle.port);
    const theirs = collect(replyValue(await client.run('COMMAND', 'DOCS')), new Map());
    const ours = collect(replyValue(new TestServer().run('COMMAND', 'DOCS')), new Map());
    const known = new Set(registry.commands.map(({ name }) => name));
    const both = [...theirs.keys()].filter((name) => known.has(name) && !TAKE_MORE.includes(name));
    expect(both.length).toBeGreaterThan(240);
    for (const name of both) expect([name, ours.get(name)]).toEqual([name, theirs.get(name)!]);
  });
});
