import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { type Reply, replyValue } from '../support/reply.ts';
import { TestServer } from '../support/test-server.ts';

describe('COMMAND', () => {
  test('describes as many commands as it counts', () => {
    const server = new TestServer();
    const all = replyValue(server.run('COMMAND')) as Reply[][];
    expect(server.run('COMMAND', 'COUNT')).toBe(`:${all.length}\r\n`);
    expect(replyValue(server.run('COMMAND', 'INFO'))).toEqual(all);
    const names = replyValue(server.run('COMMAND', 'LIST')) as string[];
    const subs = all.flatMap((entry) => (entry[9] as Reply[][]).map((sub) => sub[0]));
    expect(names.toSorted()).toEqual([...all.map((entry) => entry[0]), ...subs].toSorted() as string[]);
  });

  test('finds commands and subcommands by name, in any case', () => {
    const server = new TestServer();
    const [set, missing, sub] = replyValue(
      server.run('COMMAND', 'INFO', 'SeT', 'nosuch', 'CONFIG|GET'),
    ) as Reply[][];
    expect(set![0]).toBe('set');
    expect(missing).toBeNull();
    expect(sub![0]).toBe('config|get');
  });

  test('documents commands by name, leaving out what it does not know', () => {
    const server = new TestServer();
    const [name, facts] = replyValue(server.run('COMMAND', 'DOCS', 'time', 'nosuch')) as [string, string[]];
    expect(name).toBe('time');
    expect(facts).toEqual(['summary', expect.stringContaining('time'), 'since', '2.6.0', 'group', 'server']);
    expect(server.run('COMMAND', 'DOCS', 'nosuch')).toBe('*0\r\n');
    expect(server.run('COMMAND', 'DOCS', 'config')).toContain('subcommands');
  });

  test('lists by module, category and pattern', () => {
    const server = new TestServer();
    const list = (...parts: string[]): string[] =>
      replyValue(server.run('COMMAND', 'LIST', 'FILTERBY', ...parts)) as string[];
    expect(list('MODULE', 'x')).toEqual([]);
    expect(list('ACLCAT', 'String')).toContain('get');
    expect(list('ACLCAT', 'string')).not.toContain('ping');
    expect(list('ACLCAT', 'no-such-category')).toEqual([]);
    expect(list('PATTERN', 'CONFIG|*').toSorted()).toEqual([
      'config|get',
      'config|help',
      'config|resetstat',
      'config|rewrite',
      'config|set',
    ]);
    expect(server.run('COMMAND', 'LIST', 'FILTERBY', 'x', 'y')).toBe('-ERR syntax error\r\n');
  });

  test('tells what SET does to its key by its options', () => {
    const server = new TestServer();
    expect(server.run('COMMAND', 'GETKEYSANDFLAGS', 'set', 'a', 'b')).toBe(
      '*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n',
    );
  });
});

/** Commands that the frozen table, which we follow, describes otherwise than Redis 7.0 did. */
const NEWER_THAN_ORACLE: ReadonlySet<string> = new Set([
  // Arity: a command without arguments is one whose keys can be asked for.
  'command|getkeys',
  'command|getkeysandflags',
  // Tips for clusters.
  'acl|deluser',
  'acl|save',
  'acl|setuser',
  'client|setname',
  'config|resetstat',
  'msetnx',
  // Tips, and the flag touches_arbitrary_keys.
  'randomkey',
  'scan',
  // The flag may_replicate, which Redis 7.0 does not show, and notes on keys.
  'eval',
  'evalsha',
  'fcall',
  // Redis 7.0 has the flags `protected` and `may_replicate` but does not show them.
  'debug',
  'publish',
  'spublish',
  'pfcount',
  // They are called no_multi since.
  'multi',
  'watch',
  // They lost the flag `noscript`: in a script they do not wait.
  'blpop',
  'brpop',
  'blmove',
  'brpoplpush',
  'bzpopmin',
  'bzpopmax',
  // Its destination is overwritten, not read.
  'sinterstore',
  // Arity: they have taken WITHSCORE since 7.2.
  'zrank',
  'zrevrank',
]);

/** An entry of COMMAND INFO with sets sorted, and without what rows do not say. */
function comparable(entry: Reply): Reply {
  if (!Array.isArray(entry)) return entry;
  const [name, arity, flags, first, last, step, categories, tips, specs, subs] = entry as Reply[];
  const sorted = (words: Reply | undefined): Reply => (words as string[]).toSorted();
  return [
    name!,
    arity!,
    sorted(flags),
    first!,
    last!,
    step!,
    categories!,
    sorted(tips),
    (specs as Reply[][]).map((spec) => (spec[0] === 'notes' ? spec.slice(2) : spec)),
    (subs as Reply[][]).length === 0 ? [] : 'subs',
  ];
}

describe.skipIf(isOracleMissing('redis-server'))('beside redis-server', () => {
  let oracle: Oracle;
  let redis: OracleClient;

  beforeAll(async () => {
    oracle = await startOracle('redis-server');
    redis = await OracleClient.connect(oracle.port);
  });

  afterAll(async () => {
    redis.close();
    await oracle.stop();
  });

  test('COMMAND INFO says the same of every command that both have', async () => {
    const server = new TestServer();
    let compared = 0;
    const different: string[] = [];
    for (const { name } of server.engine.registry.commands) {
      const [theirs] = replyValue(await redis.run('COMMAND', 'INFO', name)) as Reply[];
      if (theirs === null || theirs === undefined) continue;
      const [ours] = replyValue(server.run('COMMAND', 'INFO', name)) as Reply[];
      if (!Bun.deepEquals(comparable(ours!), comparable(theirs))) different.push(name);
      compared++;
    }
    expect(different.filter((name) => !NEWER_THAN_ORACLE.has(name))).toEqual([]);
    expect(compared).toBeGreaterThan(15);
  });

  test('COMMAND INFO has the same bytes in both versions of the protocol', async () => {
    const server = new TestServer();
    const names = ['get', 'config|get', 'time', 'nosuch', 'config|set'];
    expect(server.run('COMMAND', 'INFO', ...names)).toBe(await redis.run('COMMAND', 'INFO', ...names));
    const newer = await OracleClient.connect(oracle.port);
    await newer.run('HELLO', '3');
    server.client.connection.version = 3;
    expect(server.run('COMMAND', 'INFO', ...names)).toBe(await newer.run('COMMAND', 'INFO', ...names));
    expect(server.run('COMMAND', 'GETKEYSANDFLAGS', 'set', 'a', 'b', 'get')).toBe(
      await newer.run('COMMAND', 'GETKEYSANDFLAGS', 'set', 'a', 'b', 'get'),
    );
    newer.close();
  });

  test('keys of requests, and errors, have the same bytes', async () => {
    const server = new TestServer();
    for (const parts of [
      ['GETKEYS', 'nosuch', 'a'],
      ['GETKEYS', 'set', 'a'],
      ['GETKEYS', 'set', 'a', 'b'],
      ['GETKEYS', 'ping', 'x'],
      ['GETKEYS', 'config', 'get', 'x'],
      ['GETKEYS', 'config', 'nosuch', 'x'],
      ...[
        'a STORE b',
        'a STORE b STORE c',
        'a',
        'a BY w GET p STORE d LIMIT 0 1',
        'a LIMIT 0 STORE d',
        'a STORE',
        'a GET STORE STORE b',
      ].flatMap((rest) => [
        ['GETKEYS', 'sort', ...rest.split(' ')],
        ['GETKEYSANDFLAGS', 'SORT', ...rest.split(' ')],
      ]),
      ['GETKEYS', 'sort_ro', 'a', 'BY', 'x'],
      ['GETKEYSANDFLAGS', 'get', 'a'],
      ['GETKEYSANDFLAGS', 'set', 'a', 'b'],
      ['GETKEYSANDFLAGS', 'set', 'a', 'b', 'GET'],
      ['COUNT', 'x'],
      ['FOO'],
      ['HELP'],
      ['LIST', 'FILTERBY', 'x', 'y'],
      ['LIST', 'FILTERBY', 'MODULE'],
      ['LIST', 'FILTERBY', 'MODULE', 'x'],
    ]) {
      expect(server.run('COMMAND', ...parts)).toBe(await redis.run('COMMAND', ...parts));
    }
  });
});
