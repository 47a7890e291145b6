/** The seams that later features hang on: each has one test here, so that none of them rots before its user comes. */
import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import type { Call } from '../../src/commands/row.ts';
import { Flag } from '../../src/commands/row.ts';
import { Head } from '../../src/memory/shard.ts';
import { Key } from '../../src/store/key.ts';
import { recordEpoch } from '../../src/store/record.ts';
import { NO_JOURNAL } from '../../src/server/journal/journal.ts';
import { TestServer } from '../support/test-server.ts';

type Parts = readonly (string | number | Uint8Array)[];

/**
 * For every command that writes: a request that changes the keys named, when `a` is "10" and expires, `b` is "20", and
 * there are a list, a set, a sorted set and a hash of two elements each.
 */
/** What DUMP gives for "v". */
const PAYLOAD = Buffer.from('0001760a009108ceb219388ace', 'hex');

const WRITES: Readonly<Record<string, { readonly request: Parts; readonly touches: readonly string[] }>> = {
  append: { request: ['APPEND', 'a', 'x'], touches: ['a'] },
  blmove: { request: ['BLMOVE', 'list', 'new', 'LEFT', 'LEFT', 0], touches: ['list', 'new'] },
  blmovem: { request: ['BLMOVEM', 'list', 'new', 'LEFT', 'LEFT', 0], touches: ['list', 'new'] },
  blmpop: { request: ['BLMPOP', 0, 1, 'list', 'LEFT'], touches: ['list'] },
  blpop: { request: ['BLPOP', 'list', 0], touches: ['list'] },
  brpop: { request: ['BRPOP', 'list', 0], touches: ['list'] },
  brpoplpush: { request: ['BRPOPLPUSH', 'list', 'new', 0], touches: ['list', 'new'] },
  bzmpop: { request: ['BZMPOP', 0, 1, 'sorted set', 'MIN'], touches: ['sorted set'] },
  bzpopmax: { request: ['BZPOPMAX', 'sorted set', 0], touches: ['sorted set'] },
  bzpopmin: { request: ['BZPOPMIN', 'sorted set', 0], touches: ['sorted set'] },
  copy: { request: ['COPY', 'a', 'new'], touches: ['new'] },
  decr: { request: ['DECR', 'a'], touches: ['a'] },
  decrby: { request: ['DECRBY', 'a', 2], touches: ['a'] },
  del: { request: ['DEL', 'a', 'b'], touches: ['a', 'b'] },
  delex: { request: ['DELEX', 'a'], touches: ['a'] },
  delifeq: { request: ['DELIFEQ', 'a', 10], touches: ['a'] },
  expire: { request: ['EXPIRE', 'b', 100], touches: ['b'] },
  expireat: { request: ['EXPIREAT', 'b', 1], touches: ['b'] },
  getdel: { request: ['GETDEL', 'a'], touches: ['a'] },
  getex: { request: ['GETEX', 'a', 'PERSIST'], touches: ['a'] },
  getset: { request: ['GETSET', 'a', 'x'], touches: ['a'] },
  hdel: { request: ['HDEL', 'hash', 'f'], touches: ['hash'] },
  hexpire: { request: ['HEXPIRE', 'hash', 100, 'FIELDS', 1, 'f'], touches: ['hash'] },
  hexpireat: { request: ['HEXPIREAT', 'hash', 4102444800, 'FIELDS', 1, 'f'], touches: ['hash'] },
  hgetdel: { request: ['HGETDEL', 'hash', 'FIELDS', 1, 'f'], touches: ['hash'] },
  hgetex: { request: ['HGETEX', 'hash', 'EX', 100, 'FIELDS', 1, 'f'], touches: ['hash'] },
  hincrby: { request: ['HINCRBY', 'hash', 'f', 1], touches: ['hash'] },
  hincrbyfloat: { request: ['HINCRBYFLOAT', 'hash', 'f', '1.5'], touches: ['hash'] },
  hmset: { request: ['HMSET', 'hash', 'f', 'x'], touches: ['hash'] },
  hpersist: { request: ['HPERSIST', 'hash', 'FIELDS', 1, 'g'], touches: ['hash'] },
  hpexpire: { request: ['HPEXPIRE', 'hash', 100, 'FIELDS', 1, 'f'], touches: ['hash'] },
  hpexpireat: { request: ['HPEXPIREAT', 'hash', 4102444800000, 'FIELDS', 1, 'f'], touches: ['hash'] },
  hset: { request: ['HSET', 'hash', 'f', 'x'], touches: ['hash'] },
  hsetex: { request: ['HSETEX', 'hash', 'EX', 100, 'FIELDS', 1, 'f', 'x'], touches: ['hash'] },
  hsetnx: { request: ['HSETNX', 'hash', 'new', 'x'], touches: ['hash'] },
  incr: { request: ['INCR', 'a'], touches: ['a'] },
  incrby: { request: ['INCRBY', 'new', 3], touches: ['new'] },
  incrbyfloat: { request: ['INCRBYFLOAT', 'a', '1.5'], touches: ['a'] },
  increx: { request: ['INCREX', 'a'], touches: ['a'] },
  linsert: { request: ['LINSERT', 'list', 'BEFORE', 1, 'x'], touches: ['list'] },
  lmove: { request: ['LMOVE', 'list', 'new', 'LEFT', 'LEFT'], touches: ['list', 'new'] },
  lmovem: { request: ['LMOVEM', 'list', 'new', 'LEFT', 'LEFT'], touches: ['list', 'new'] },
  lmpop: { request: ['LMPOP', 1, 'list', 'LEFT'], touches: ['list'] },
  lpop: { request: ['LPOP', 'list'], touches: ['list'] },
  lpush: { request: ['LPUSH', 'list', 'x'], touches: ['list'] },
  lpushx: { request: ['LPUSHX', 'list', 'x'], touches: ['list'] },
  lrem: { request: ['LREM', 'list', 0, 1], touches: ['list'] },
  lset: { request: ['LSET', 'list', 0, 'x'], touches: ['list'] },
  ltrim: { request: ['LTRIM', 'list', 0, 0], touches: ['list'] },
  move: { request: ['MOVE', 'a', 1], touches: ['a', 'a'] },
  mset: { request: ['MSET', 'a', 1, 'new', 2], touches: ['a', 'new'] },
  msetex: { request: ['MSETEX', 2, 'a', 1, 'new', 2], touches: ['a', 'new'] },
  msetnx: { request: ['MSETNX', 'new', 1, 'newer', 2], touches: ['new', 'newer'] },
  persist: { request: ['PERSIST', 'a'], touches: ['a'] },
  pexpire: { request: ['PEXPIRE', 'b', 100], touches: ['b'] },
  pexpireat: { request: ['PEXPIREAT', 'b', 1], touches: ['b'] },
  prepend: { request: ['PREPEND', 'a', 'x'], touches: ['a'] },
  psetex: { request: ['PSETEX', 'a', 100, 'x'], touches: ['a'] },
  rename: { request: ['RENAME', 'a', 'b'], touches: ['a', 'b'] },
  renamenx: { request: ['RENAMENX', 'a', 'new'], touches: ['a', 'new'] },
  rpop: { request: ['RPOP', 'list'], touches: ['list'] },
  rpoplpush: { request: ['RPOPLPUSH', 'list', 'new'], touches: ['list', 'new'] },
  rpush: { request: ['RPUSH', 'list', 'x'], touches: ['list'] },
  rpushx: { request: ['RPUSHX', 'list', 'x'], touches: ['list'] },
  sadd: { request: ['SADD', 'set', 'x'], touches: ['set'] },
  sdiffstore: { request: ['SDIFFSTORE', 'new', 'set'], touches: ['new'] },
  set: { request: ['SET', 'a', 'x'], touches: ['a'] },
  bitfield: { request: ['BITFIELD', 'a', 'SET', 'u8', 0, 1], touches: ['a'] },
  bitop: { request: ['BITOP', 'NOT', 'new', 'a'], touches: ['new'] },
  geoadd: { request: ['GEOADD', 'new', 1, 2, 'x'], touches: ['new'] },
  georadius: {
    request: ['GEORADIUS', 'places', 1, 2, 10, 'km', 'STORE', 'new'],
    touches: ['new'],
  },
  georadiusbymember: {
    request: ['GEORADIUSBYMEMBER', 'places', 'x', 10, 'km', 'STORE', 'new'],
    touches: ['new'],
  },
  geosearchstore: {
    request: ['GEOSEARCHSTORE', 'new', 'places', 'FROMMEMBER', 'x', 'BYRADIUS', 10, 'km'],
    touches: ['new'],
  },
  pfadd: { request: ['PFADD', 'new', 'x'], touches: ['new'] },
  pfdebug: { request: ['PFDEBUG', 'TODENSE', 'loglog'], touches: ['loglog'] },
  pfmerge: { request: ['PFMERGE', 'new', 'loglog'], touches: ['new'] },
  setbit: { request: ['SETBIT', 'a', 0, 1], touches: ['a'] },
  setex: { request: ['SETEX', 'a', 100, 'x'], touches: ['a'] },
  setnx: { request: ['SETNX', 'new', 'x'], touches: ['new'] },
  setrange: { request: ['SETRANGE', 'a', 1, 'x'], touches: ['a'] },
  sinterstore: { request: ['SINTERSTORE', 'new', 'set'], touches: ['new'] },
  smove: { request: ['SMOVE', 'set', 'new', 1], touches: ['set', 'new'] },
  sort: { request: ['SORT', 'list', 'STORE', 'new'], touches: ['new'] },
  spop: { request: ['SPOP', 'set'], touches: ['set'] },
  srem: { request: ['SREM', 'set', 1], touches: ['set'] },
  sunionstore: { request: ['SUNIONSTORE', 'new', 'set'], touches: ['new'] },
  unlink: { request: ['UNLINK', 'a'], touches: ['a'] },
  xack: { request: ['XACK', 'stream', 'g', '1-1'], touches: ['stream'] },
  xackdel: { request: ['XACKDEL', 'stream', 'g', 'IDS', '1', '1-1'], touches: ['stream'] },
  xadd: { request: ['XADD', 'stream', '*', 'f', 'v'], touches: ['stream'] },
  xautoclaim: { request: ['XAUTOCLAIM', 'stream', 'g', 'd', '0', '0'], touches: ['stream'] },
  xclaim: { request: ['XCLAIM', 'stream', 'g', 'd', '0', '1-1'], touches: ['stream'] },
  xdel: { request: ['XDEL', 'stream', '1-1'], touches: ['stream'] },
  xnack: { request: ['XNACK', 'stream', 'g', 'FAIL', 'IDS', '1', '1-1'], touches: ['stream'] },
  xdelex: { request: ['XDELEX', 'stream', 'IDS', '1', '1-1'], touches: ['stream'] },
  'xgroup|create': { request: ['XGROUP', 'CREATE', 'stream', 'h', '0'], touches: ['stream'] },
  'xgroup|createconsumer': { request: ['XGROUP', 'CREATECONSUMER', 'stream', 'g', 'd'], touches: ['stream'] },
  'xgroup|delconsumer': { request: ['XGROUP', 'DELCONSUMER', 'stream', 'g', 'c'], touches: ['stream'] },
  'xgroup|destroy': { request: ['XGROUP', 'DESTROY', 'stream', 'g'], touches: ['stream'] },
  'xgroup|setid': { request: ['XGROUP', 'SETID', 'stream', 'g', '0'], touches: ['stream'] },
  xreadgroup: { request: ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'stream', '>'], touches: ['stream'] },
  xsetid: { request: ['XSETID', 'stream', '9-9'], touches: ['stream'] },
  xtrim: { request: ['XTRIM', 'stream', 'MAXLEN', '0'], touches: ['stream'] },
  zadd: { request: ['ZADD', 'sorted set', 5, 'x'], touches: ['sorted set'] },
  zdiffstore: { request: ['ZDIFFSTORE', 'new', 1, 'sorted set'], touches: ['new'] },
  zincrby: { request: ['ZINCRBY', 'sorted set', 5, 'x'], touches: ['sorted set'] },
  zinterstore: { request: ['ZINTERSTORE', 'new', 1, 'sorted set'], touches: ['new'] },
  zmpop: { request: ['ZMPOP', 1, 'sorted set', 'MIN'], touches: ['sorted set'] },
  restore: { request: ['RESTORE', 'a', 0, PAYLOAD, 'REPLACE'], touches: ['a'] },
  'restore-asking': { request: ['RESTORE-ASKING', 'new', 1000, PAYLOAD], touches: ['new'] },
  zpopmax: { request: ['ZPOPMAX', 'sorted set'], touches: ['sorted set'] },
  zpopmin: { request: ['ZPOPMIN', 'sorted set'], touches: ['sorted set'] },
  zrangestore: { request: ['ZRANGESTORE', 'new', 'sorted set', 0, -1], touches: ['new'] },
  zrem: { request: ['ZREM', 'sorted set', 'x'], touches: ['sorted set'] },
  zremrangebylex: { request: ['ZREMRANGEBYLEX', 'sorted set', '-', '[x'], touches: ['sorted set'] },
  zremrangebyrank: { request: ['ZREMRANGEBYRANK', 'sorted set', 0, 0], touches: ['sorted set'] },
  zremrangebyscore: { request: ['ZREMRANGEBYSCORE', 'sorted set', 1, 1], touches: ['sorted set'] },
  zunionstore: { request: ['ZUNIONSTORE', 'new', 1, 'sorted set'], touches: ['new'] },
};

/** Commands that change whole databases: whoever watches keys is not told key by key. */
const WHOLE_DATABASES = new Set(['flushall', 'flushdb', 'swapdb']);
/** Removes its keys later, each with a DEL. */
const LATER = new Set(['migrate']);
/** Libraries of functions are no keys. */
const isOfLibraries = (name: string): boolean => name.startsWith('function|');

function prepared(): TestServer {
  const server = new TestServer();
  server.run('SET', 'a', 10);
  server.run('EXPIRE', 'a', 1000);
  server.run('SET', 'b', 20);
  fillCollections(server);
  return server;
}

function fillCollections(server: TestServer): void {
  server.run('RPUSH', 'list', 1, 2);
  server.run('SADD', 'set', 1, 2);
  server.run('ZADD', 'sorted set', 1, 'x', 2, 'y');
  server.run('HSET', 'hash', 'f', 1, 'g', 2);
  server.run('HEXPIRE', 'hash', 1000, 'FIELDS', 1, 'g');
  server.run('GEOADD', 'places', 1, 2, 'x');
  server.run('PFADD', 'loglog', 'x');
  server.run('XADD', 'stream', '1-1', 'f', 'v');
  server.run('XGROUP', 'CREATE', 'stream', 'g', '0');
  server.run('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 1, 'STREAMS', 'stream', '>');
  server.run('XADD', 'stream', '2-1', 'f', 'v');
}

function mutations(server: TestServer): number {
  return server.engine.keyspace.shards.reduce((sum, shard) => sum + shard.mutations, 0);
}

/** Names of the keys that are told about, as long as the shards say that somebody has an interest. */
function recordTouched(server: TestServer, interests: number): string[] {
  const { keyspace } = server.engine;
  const names: string[] = [];
  pretendInterests(server, interests);
  keyspace.onTouched = (key) => names.push(key.bytes.u8.toString('latin1', key.at, key.at + key.byteCount));
  return names;
}

function pretendInterests(server: TestServer, interests: number): void {
  for (const { heads, head } of server.engine.keyspace.shards) heads[head + Head.Interests] = interests;
}

describe('touched', () => {
  const { registry } = new TestServer().engine;
  for (const { name, flags } of registry.commands) {
    if ((flags & Flag.Write) === 0 || WHOLE_DATABASES.has(name)) continue;
    if (LATER.has(name) || isOfLibraries(name)) continue;

    test(`${name} counts its changes and tells whoever has an interest in its keys`, () => {
      const sample = WRITES[name];
      expect(sample).toBeDefined();
      const server = prepared();
      const names = recordTouched(server, 1);
      const before = mutations(server);
      const { changes } = server.engine.keyspace;
      const reply = server.run(...sample!.request);
      expect(reply).not.toStartWith('-');
      expect(mutations(server)).toBeGreaterThan(before);
      expect(server.engine.keyspace.changes).toBeGreaterThan(changes);
      expect([...new Set(names)].toSorted()).toEqual([...new Set(sample!.touches)].toSorted());
      pretendInterests(server, 0);
      server.verify();
    });
  }

  test('tells nobody in a shard that nobody has an interest in', () => {
    const server = prepared();
    const names = recordTouched(server, 0);
    server.run('SET', 'a', 'x');
    expect(names).toEqual([]);
  });

  test('a read changes nothing', () => {
    const server = prepared();
    const names = recordTouched(server, 1);
    const before = mutations(server);
    server.run('GET', 'a');
    server.run('GET', 'nothing');
    expect(names).toEqual([]);
    expect(mutations(server)).toBe(before);
  });
});

describe('the snapshot epoch', () => {
  function epochOf(server: TestServer, name: string): number {
    const { keyspace } = server.engine;
    const bytes = Bytes.fromText(name);
    const key = new Key(keyspace.shards[0]!);
    keyspace.locate(key, bytes, 0, bytes.u8.length, 0);
    return recordEpoch(key.shard, keyspace.find(key));
  }

  test('is that of the last change of the record, not of the last read', () => {
    const server = prepared();
    expect(epochOf(server, 'a')).toBe(0);
    for (const shard of server.engine.keyspace.shards) shard.heads[shard.head + Head.Epoch] = 7;
    server.run('GET', 'a');
    expect(epochOf(server, 'a')).toBe(0);
    server.run('SET', 'a', 'x');
    expect(epochOf(server, 'a')).toBe(7);
    server.run('SET', 'b', 'a value that needs a larger block than the old one did');
    expect(epochOf(server, 'b')).toBe(7);
  });
});

describe('a parked connection', () => {
  test('keeps its later input until it is resumed, then answers in order', () => {
    const server = prepared();
    const { client } = server;
    const parked = client.connection.park();
    expect(client.send('GET a\r\nGET b\r\n')).toBe('');
    expect(server.connect().run('GET', 'a')).toBe('$2\r\n10\r\n');
    parked.resume((reply) => reply.simple('LATE'));
    expect(client.socket.output).toBe('+LATE\r\n$2\r\n10\r\n$2\r\n20\r\n');
  });

  test('counts an error that it is resumed with', () => {
    const server = prepared();
    const parked = server.client.connection.park();
    parked.resume((reply) => reply.error('LATER not now'));
    expect(server.run('INFO', 'errorstats')).toContain('errorstat_LATER:count=1\r\n');
  });

  test('resumes into nothing when its client has left', () => {
    const server = prepared();
    const { client } = server;
    const parked = client.connection.park();
    client.socket.output = '';
    client.connection.onClose();
    parked.resume((reply) => reply.simple('LATE'));
    expect(client.socket.output).toBe('');
    expect(server.connect().run('GET', 'a')).toBe('$2\r\n10\r\n');
  });
});

describe('the journal', () => {
  interface Entry {
    readonly database: number;
    readonly parts: readonly Buffer[];
  }

  /** Keeps every request that changed something, as a log of effects would. */
  function keepJournal(server: TestServer): Entry[] {
    const entries: Entry[] = [];
    server.engine.dispatcher.journal = {
      ...NO_JOURNAL,
      append(call: Call) {
        const parts = Array.from({ length: call.count }, (_, index) => call.copyArgument(index));
        entries.push({ database: call.client.database, parts });
      },
    };
    return entries;
  }

  function replay(entries: readonly Entry[]): TestServer {
    const server = new TestServer();
    for (const { database, parts } of entries) {
      server.client.connection.database = database;
      expect(server.run(...parts)).not.toStartWith('-');
    }
    server.client.connection.database = 0;
    return server;
  }

  test('is told of what changed something, not of reads, errors and what changed nothing', () => {
    const server = new TestServer();
    const entries = keepJournal(server);
    server.run('SET', 'a', 1);
    server.run('GET', 'a');
    server.run('SET');
    server.run('NOSUCH');
    server.run('SET', 'b', Buffer.from([0, 255, 13, 10]));
    expect(entries.map(({ parts }) => parts.map((part) => part.toString('latin1')))).toEqual([
      ['SET', 'a', '1'],
      ['SET', 'b', '\u0000\u00ff\r\n'],
    ]);
  });

  test('replayed into another server gives the same data', () => {
    const server = new TestServer();
    const entries = keepJournal(server);
    server.run('SET', 'a', 10);
    server.run('SET', 'b', 20);
    // Only what does not depend on the time or on chance: relative expiry is journalled as it came, for now.
    for (const name of Object.keys(WRITES)) {
      if (!server.engine.registry.byName.has(name) || /expire|setex|hgetex|spop/.test(name)) continue;
      server.client.connection.database = 0;
      server.run('RPUSH', 'list', 1, 2);
      server.run('ZADD', 'sorted set', 1, 'x', 2, 'y');
      server.run(...WRITES[name]!.request);
    }
    const copy = replay(entries);
    for (const key of ['a', 'b', 'new', 'newer']) expect(copy.run('GET', key)).toBe(server.run('GET', key));
    expect(copy.run('INFO', 'keyspace')).toBe(server.run('INFO', 'keyspace'));
    copy.verify();
  });
});
