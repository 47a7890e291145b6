/** Names, defaults, and the replies of CONFIG SET and GET, compared with redis-server 7.0. */

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { Config } from '../../../src/server/config/config.ts';
import { NAMES, SETTINGS } from '../../../src/server/config/config-registry.ts';
import type { Setting } from '../../../src/server/config/setting.ts';
import { isOracleMissing, startOracle } from '../../support/oracles.ts';
import type { Oracle } from '../../support/oracles.ts';

const LIMITS = { memoryBytes: 10_000_000_000, cpuCount: 4 };

/** Where our default is not Redis's, and why. */
const OTHER_DEFAULTS: Record<string, string> = {
  maxmemory: '80 % of what there is, rather than being killed by the kernel',
  activedefrag: 'moving a value costs little here, and slabs of old sizes would stay',
  ...Object.fromEntries(
    ['dir', 'port', 'bind', 'save', 'loglevel', 'enable-debug-command'].map((name) => [
      name,
      'the oracle is started with another value',
    ]),
  ),
};

/** The real defaults of those, so that they are compared all the same. */
const DEFAULTS_OF_REDIS: Record<string, string> = {
  port: '6379',
  bind: '* -::*',
  save: '3600 1 300 100 60 10000',
  loglevel: 'notice',
  'enable-debug-command': 'no',
};

/** Names that Redis does not have, and why. */
const OUR_OWN: Record<string, string> = {
  threads: 'Redis executes on one thread',
  'rdb-version': 'Redis writes the newest version that it knows',
  'snapshot-cron': 'Redis leaves that to cron',
  'memcached-port': 'Redis does not speak memcached',
  'cache-mode': 'Redis has no such order of eviction',
  'set-max-listpack-entries': 'Redis 7.2',
  'set-max-listpack-value': 'Redis 7.2',
  'commandlog-execution-slower-than': 'Valkey 8.1',
  'commandlog-slow-execution-max-len': 'Valkey 8.1',
  'commandlog-request-larger-than': 'Valkey 8.1',
  'commandlog-large-request-max-len': 'Valkey 8.1',
  'commandlog-reply-larger-than': 'Valkey 8.1',
  'commandlog-large-reply-max-len': 'Valkey 8.1',
  'memcached-item-size-max': 'Redis does not speak memcached',
};

/** CONFIG SET works in Redis and is refused here, and why. */
const FIXED_HERE: Record<string, string> = Object.fromEntries([
  ...['port', 'bind', 'tls-port'].map((name) => [name, 'every worker opens its listeners once, at start']),
  ...['tls-cert-file', 'tls-key-file', 'tls-key-file-pass', 'tls-ca-cert-file', 'tls-auth-clients'].map(
    (name) => [name, 'the listener keeps the certificates that it was opened with'],
  ),
]);

/** Given to the oracle at its start, and fixed since. */
const NOT_COMPARED = ['dir', 'enable-debug-command'];

/** Tried on both sides; each row starts from the state that the rows above have left. */
const CONVERSATION: string[][] = [
  ['foo', 'bar'],
  ['maxclients', '0'],
  ['MAXCLIENTS', '0'],
  ['maxclients', '4294967296'],
  ['maxclients', 'ten'],
  ['maxclients', ' 5'],
  ['maxclients', '+5'],
  ['maxclients', '05'],
  ['maxclients', ''],
  ['maxclients', '1', 'maxclients', '2'],
  ['maxclients', '1', 'MAXCLIENTS', '0'],
  ['maxclients', '1', 'foo', '2'],
  ['maxclients', '1', '', '2'],
  ['FOO', 'x'],
  ['hz', '3', 'databases', '4'],
  ['DATABASES', '3'],
  ['databases', '3', 'foo', '2'],
  ['timeout', '5', 'maxclients', '0'],
  ['timeout', '5', 'tcp-keepalive', '60'],
  ['timeout', '0', 'dir', '/tmp'],
  ['dbfilename', 'x.rdb'],
  ['hz', '600'],
  ['hz', '0'],
  ['hz', '18446744073709551615'],
  ['hz', '10 '],
  ['maxmemory', '1gb'],
  ['maxmemory', '1K'],
  ['maxmemory', '-1'],
  ['maxmemory', '1.5gb'],
  ['maxmemory', '1 gb'],
  ['maxmemory', '0x10'],
  ['maxmemory', ''],
  ['maxmemory', 'lots'],
  ['maxmemory-clients', '5%'],
  ['maxmemory-clients', '101%'],
  ['maxmemory-clients', '0%'],
  ['maxmemory-clients', '-5'],
  ['maxmemory-clients', '1mb'],
  ['proto-max-bulk-len', '5'],
  ['proto-max-bulk-len', '1mb'],
  ['save', '900 1 300'],
  ['save', '900 0'],
  ['save', '0 1'],
  ['save', '-1 5'],
  ['save', ' 900  1'],
  ['save', '900 1 300 10'],
  ['save', ''],
  ['client-output-buffer-limit', 'slave 1mb 1kb 5'],
  ['client-output-buffer-limit', 'replica 1gb 1kb 5 normal 1 2 3'],
  ['client-output-buffer-limit', 'PUBSUB 0 0 0'],
  ['client-output-buffer-limit', 'slave 1mb'],
  ['client-output-buffer-limit', 'replica 1mb 1 a'],
  ['client-output-buffer-limit', 'replica x 1 1'],
  ['client-output-buffer-limit', 'replica 1 1 -1'],
  ['client-output-buffer-limit', 'master 1mb 1 1'],
  ['latency-tracking-info-percentiles', '50 1.5'],
  ['latency-tracking-info-percentiles', '50.123456789 0 100 1e1 99.90'],
  ['latency-tracking-info-percentiles', '50 101'],
  ['latency-tracking-info-percentiles', '50 abc'],
  ['latency-tracking-info-percentiles', ''],
  ['notify-keyspace-events', 'KEA'],
  ['notify-keyspace-events', 'KEg$xQ'],
  ['notify-keyspace-events', 'gxE'],
  ['notify-keyspace-events', 'mdxtzhsl$gKE'],
  ['notify-keyspace-events', ''],
  ['oom-score-adj-values', '1 2'],
  ['oom-score-adj-values', '1 2 9999'],
  ['oom-score-adj-values', '1 2 a'],
  ['oom-score-adj-values', '30 2 1'],
  ['shutdown-on-sigterm', 'NOW save'],
  ['shutdown-on-sigterm', 'save nosave'],
  ['shutdown-on-sigterm', 'default now'],
  ['shutdown-on-sigterm', 'never'],
  ['shutdown-on-sigterm', ''],
  ['shutdown-on-sigterm', 'default'],
  ['loglevel', 'DEBUG'],
  ['loglevel', 'loud'],
  ['loglevel', 'notice debug'],
  ['loglevel', 'notice'],
  ['protected-mode', 'maybe'],
  ['protected-mode', 'NO'],
  ['maxmemory-policy', 'allkeys'],
  ['maxmemory-policy', 'allkeys-lru'],
  ['appendfsync', 'sometimes'],
  ['slave-priority', '1', 'replica-priority', '2'],
  ['slave-priority', ''],
  ['min-slaves-max-lag', 'x'],
  ['unixsocketperm', '700'],
  ['enable-debug-command', 'yes'],
  ['replicaof', 'a 1'],
  ['slowlog-log-slower-than', '-2'],
  ['slowlog-log-slower-than', '-1'],
  ['slowlog-max-len', '9223372036854775807'],
  ['slowlog-max-len', '9223372036854775808'],
  ['list-max-listpack-size', '-5'],
  ['hash-max-ziplist-entries', '7'],
  ['hash-max-listpack-value', '1kb'],
  ['cluster-announce-hostname', 'a_b'],
  ['cluster-announce-hostname', 'a.b-1'],
];

describe.skipIf(isOracleMissing('redis-server'))('settings against redis-server', () => {
  let oracle: Oracle;
  let client: Redis;
  let defaults: Map<string, string>;

  async function set(words: readonly string[]): Promise<string> {
    try {
      return String(await client.call('CONFIG', 'SET', ...words));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async function get(...patterns: string[]): Promise<Map<string, string>> {
    const reply = (await client.call('CONFIG', 'GET', ...patterns)) as string[];
    return new Map(pairsOf(reply));
  }

  beforeAll(async () => {
    oracle = await startOracle('redis-server');
    client = new Redis({ host: '127.0.0.1', port: oracle.port });
    defaults = await get('*');
  });

  afterAll(async () => {
    client.disconnect();
    await oracle.stop();
  });

  test('every name of Redis is known here, and every further one is ours', () => {
    expect([...defaults.keys()].filter((name) => !NAMES.has(name))).toEqual([]);
    expect([...NAMES.keys()].filter((name) => !defaults.has(name)).sort()).toEqual(
      Object.keys(OUR_OWN).sort(),
    );
  });

  test('every default is that of Redis, except where a reason is listed', () => {
    const config = Config.withDefaults(LIMITS);
    const others = [...defaults]
      .filter(([name, text]) => config.getString(name) !== text)
      .map(([name]) => name);
    expect(others.sort()).toEqual(Object.keys(OTHER_DEFAULTS).sort());
    for (const [name, text] of Object.entries(DEFAULTS_OF_REDIS)) {
      expect(`${name} ${config.getString(name)}`).toBe(`${name} ${text}`);
    }
  });

  test('what can be set at run time is what Redis lets one set, except where a reason is listed', async () => {
    const fixedOnlyHere: string[] = [];
    for (const [name, row] of NAMES) {
      if (name in OUR_OWN) continue;
      const { isFixed }: Setting = SETTINGS[row];
      // The second pair names nothing, so nothing is ever changed by asking.
      const reply = await set([name, '', 'no-such-name', '']);
      if ((isFixed === true) !== reply.includes('immutable')) fixedOnlyHere.push(name);
    }
    expect(fixedOnlyHere.sort()).toEqual(Object.keys(FIXED_HERE).sort());
  });

  test('CONFIG SET answers as Redis does, and CONFIG GET prints the same afterwards', async () => {
    const config = Config.withDefaults(LIMITS);
    await set(['save', config.getString('save') ?? '']);
    await set(['maxmemory', config.getString('maxmemory') ?? '']);
    await set(['loglevel', 'notice']);
    for (const words of CONVERSATION) {
      const pairs = pairsOf(words);
      const outcome = config.trySet(pairs);
      expect({ words, reply: outcome.ok ? 'OK' : outcome.error }).toEqual({ words, reply: await set(words) });
      const compared = pairs.map(([name]) => name).filter((name) => !NOT_COMPARED.includes(name));
      for (const name of compared) {
        const theirs = [...(await get(name)).values()][0];
        expect({ words, value: config.getString(name) }).toEqual({ words, value: theirs });
      }
    }
  });

  test('patterns of CONFIG GET give the same names, spelled as they were asked for', async () => {
    const config = Config.withDefaults(LIMITS);
    const questions = [
      ['slave*'],
      ['MAXMEM*', 'hz', 'hz', 'h?'],
      ['*-[lm]*'],
      ['no-such'],
      ['\\hz'],
      ['HZ'],
      [''],
    ];
    for (const patterns of questions) {
      const ours = config.match(patterns).map(([name]) => name);
      const theirs = [...(await get(...patterns)).keys()];
      expect(ours.filter((name) => !(name in OUR_OWN)).sort()).toEqual(theirs.sort());
    }
  });
});

function pairsOf(words: readonly string[]): [string, string][] {
  return words.flatMap((word, i): [string, string][] => (i % 2 === 0 ? [[word, words[i + 1] ?? '']] : []));
}
