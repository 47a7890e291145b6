/** Members of sets added, removed, moved, asked for and listed. */
import { describe, expect, test } from 'bun:test';
import { allocate, free } from '../../../src/memory/allocator.ts';
import { Prng } from '../../support/prng.ts';
import { replyValue } from '../../support/reply.ts';
import { freshSeed } from '../../support/seed.ts';
import { TestServer } from '../../support/test-server.ts';
import { encodingOf, ENCODINGS, membersOf, OUT_OF_MEMORY, WRONG_TYPE } from './encodings.ts';

for (const [name, settings] of Object.entries(ENCODINGS)) {
  describe(`sets ${name}`, () => {
    const newServer = (): TestServer => new TestServer({ settings });

    test('SADD and SREM count what they change, and an empty set vanishes', () => {
      const server = newServer();
      expect(server.run('SADD', 's', 'a')).toBe(':1\r\n');
      expect(server.run('SADD', 's', 'a')).toBe(':0\r\n');
      expect(server.run('SADD', 's', 'b', 'a', 'c', 'b')).toBe(':2\r\n');
      expect(server.run('SADD', 't', 'x', 'x', 'y')).toBe(':2\r\n');
      expect(server.run('SCARD', 's')).toBe(':3\r\n');
      expect(membersOf(server, 's')).toEqual(['a', 'b', 'c']);
      expect(server.run('SREM', 's', 'a', 'x', 'a')).toBe(':1\r\n');
      expect(server.run('SREM', 's', 'x')).toBe(':0\r\n');
      server.verify();
      expect(server.run('SREM', 's', 'b', 'c', 'd')).toBe(':2\r\n');
      expect(server.run('EXISTS', 's')).toBe(':0\r\n');
      expect(server.run('SREM', 's', 'b')).toBe(':0\r\n');
      expect(server.run('SCARD', 's')).toBe(':0\r\n');
      server.verify();
    });

    test('members are bytes of any kind and length', () => {
      const server = newServer();
      const all = [
        '',
        '\0',
        '\r\n$3\r\n',
        '007',
        '-0',
        '+1',
        '1.0',
        ' 1',
        '9223372036854775808',
        'x'.repeat(70_000),
      ];
      const integers = [
        '0',
        '-1',
        '127',
        '128',
        '-32769',
        '2147483648',
        '-9223372036854775808',
        '9223372036854775807',
      ];
      for (const member of [...integers, ...all]) {
        expect(server.run('SADD', 's', member)).toBe(':1\r\n');
        expect(server.run('SADD', 's', member)).toBe(':0\r\n');
        expect(server.run('SISMEMBER', 's', member)).toBe(':1\r\n');
      }
      expect(server.run('SADD', 's', Buffer.from([0xff, 0xfe]))).toBe(':1\r\n');
      expect(server.run('SISMEMBER', 's', Buffer.from([0xff, 0xfe]))).toBe(':1\r\n');
      expect(server.run('SISMEMBER', 's', '7')).toBe(':0\r\n');
      expect(server.run('SREM', 's', Buffer.from([0xff, 0xfe]))).toBe(':1\r\n');
      expect(membersOf(server, 's')).toEqual([...integers, ...all].toSorted());
      server.verify();
      for (const member of [...all, ...integers]) expect(server.run('SREM', 's', member)).toBe(':1\r\n');
      expect(server.run('EXISTS', 's')).toBe(':0\r\n');
    });

    test('many members, one by one and at once, integers and texts', () => {
      for (const prefix of ['', 'm']) {
        const server = newServer();
        const all = Array.from({ length: 1500 }, (_, i) => `${prefix}${i * 37 - 20_000}`);
        for (const member of all) expect(server.run('SADD', 'one', member)).toBe(':1\r\n');
        expect(server.run('SADD', 'many', ...all)).toBe(':1500\r\n');
        server.run('SADD', 'half', ...all.slice(0, 20));
        expect(server.run('SADD', 'half', ...all)).toBe(':1480\r\n');
        for (const key of ['one', 'many', 'half']) {
          expect(membersOf(server, key)).toEqual(all.toSorted());
          expect(server.run('SCARD', key)).toBe(':1500\r\n');
        }
        server.verify();
        expect(server.run('SREM', 'one', ...all.slice(100))).toBe(':1400\r\n');
        expect(membersOf(server, 'one')).toEqual(all.slice(0, 100).toSorted());
        server.verify();
      }
    });

    test('SISMEMBER and SMISMEMBER', () => {
      const server = newServer();
      const all = Array.from({ length: 100 }, (_, i) => `m${i}`);
      server.run('SADD', 's', ...all);
      expect(server.run('SISMEMBER', 's', 'm7')).toBe(':1\r\n');
      expect(server.run('SISMEMBER', 's', 'm100')).toBe(':0\r\n');
      expect(server.run('SISMEMBER', 'missing', 'a')).toBe(':0\r\n');
      expect(server.run('SMISMEMBER', 's', 'm1', 'x', 'm2')).toBe('*3\r\n:1\r\n:0\r\n:1\r\n');
      expect(server.run('SMISMEMBER', 'missing', 'm1', 'x')).toBe('*2\r\n:0\r\n:0\r\n');
      const answers = replyValue(
        server.run('SMISMEMBER', 's', ...all.flatMap((member) => [member, `no ${member}`])),
      );
      expect(answers).toEqual(all.flatMap(() => [1, 0]));
    });

    test('SMOVE between sets, onto itself, to a new set, and what is the last member', () => {
      const server = newServer();
      server.run('SADD', 'a', '1', 'two');
      server.run('SADD', 'b', 'two');
      expect(server.run('SMOVE', 'a', 'b', 'three')).toBe(':0\r\n');
      expect(server.run('SMOVE', 'a', 'a', 'two')).toBe(':1\r\n');
      expect(server.run('SMOVE', 'a', 'a', 'three')).toBe(':0\r\n');
      expect(server.run('SMOVE', 'a', 'b', 'two')).toBe(':1\r\n');
      expect(membersOf(server, 'a')).toEqual(['1']);
      expect(membersOf(server, 'b')).toEqual(['two']);
      expect(server.run('SMOVE', 'a', 'c', '1')).toBe(':1\r\n');
      expect(server.run('EXISTS', 'a')).toBe(':0\r\n');
      expect(membersOf(server, 'c')).toEqual(['1']);
      expect(server.run('SMOVE', 'missing', 'b', 'x')).toBe(':0\r\n');
      server.verify();
    });

    test('SMOVE within one shard and between shards, whatever moves meanwhile', () => {
      const server = new TestServer({ settings, shardCount: 2 });
      const names = Array.from({ length: 20 }, (_, i) => `set${i}`);
      for (const name of names)
        server.run('SADD', name, ...Array.from({ length: 8 }, (_, i) => `${name}:${i}`));
      names.forEach((from, i) => {
        const to = names[(i * 7 + 3) % names.length]!;
        expect(server.run('SMOVE', from, to, `${from}:0`)).toBe(':1\r\n');
        expect(server.run('SMOVE', from, `new${i}`, `${from}:1`)).toBe(':1\r\n');
        expect(server.run('SISMEMBER', to, `${from}:0`)).toBe(':1\r\n');
      });
      server.verify();
    });

    test('a set keeps its expiry while its members change', () => {
      const server = newServer();
      server.run('SADD', 's', '1', '2', '3');
      server.run('PEXPIREAT', 's', '9999999999999');
      server.run('SADD', 's', 'x', ...Array.from({ length: 20 }, (_, i) => `m${i}`));
      server.run('SREM', 's', '1');
      server.run('SPOP', 's', '20');
      expect(server.run('PEXPIRETIME', 's')).toBe(':9999999999999\r\n');
      server.verify();
    });

    test('COPY, RENAME and UNLINK', () => {
      const server = newServer();
      const all = Array.from({ length: 700 }, (_, i) => `m${i}`);
      server.run('SADD', 's', ...all);
      for (let i = 0; i < 8; i++) expect(server.run('COPY', 's', `copy${i}`)).toBe(':1\r\n');
      server.run('SADD', 's', 'only here');
      server.run('RENAME', 's', 'copy0');
      expect(server.run('SCARD', 'copy0')).toBe(':701\r\n');
      for (let i = 1; i < 8; i++) expect(membersOf(server, `copy${i}`)).toEqual(all.toSorted());
      server.verify();
      server.run('UNLINK', ...Array.from({ length: 8 }, (_, i) => `copy${i}`));
      server.verify();
      expect(server.run('DBSIZE')).toBe(':0\r\n');
    });

    test('when memory runs out a command changes nothing', () => {
      const server = new TestServer({ settings, shardCount: 1, shardBytes: 2 << 20 });
      const fill = Array.from({ length: 40 }, (_, i) => `fill ${i}`);
      let refused = 0;
      for (let i = 0; i < 200; i++) {
        const before = server.run('SCARD', 's');
        const added = server.run(
          'SADD',
          's',
          ...fill.map((text) => `${text} ${i} ${'x'.repeat(i % 3 === 0 ? 4000 : 60)}`),
        );
        if (added === OUT_OF_MEMORY) {
          refused++;
          expect(server.run('SCARD', 's')).toBe(before);
        } else expect(added).toBe(':40\r\n');
        const created = server.run('SADD', `new ${i}`, 'a', 'b', 'c'.repeat(100), ...fill);
        if (created === OUT_OF_MEMORY) expect(server.run('EXISTS', `new ${i}`)).toBe(':0\r\n');
        if (i % 50 === 0) server.verify();
      }
      expect(refused).toBeGreaterThan(5);
      const full = server.run('SCARD', 's');
      for (let i = 0; i < 200; i++) server.run('SET', `string ${i}`, 'x'.repeat(8000 >> (i % 12)));
      expect(server.run('SADD', 'single', 'y'.repeat(100_000))).toBe(OUT_OF_MEMORY);
      expect(server.run('EXISTS', 'single')).toBe(':0\r\n');
      expect(server.run('SMOVE', 's', 'elsewhere', 'nobody')).toBe(':0\r\n');
      expect(server.run('SCARD', 's')).toBe(full);
      server.verify();
    });
  });
}

test('a small set that shrinks gives its memory back', () => {
  const server = new TestServer({ shardCount: 1 });
  const shard = server.engine.keyspace.shards[0]!;
  for (const prefix of ['1000', 'member ']) {
    const all = Array.from({ length: 120 }, (_, i) => `${prefix}${i}`);
    server.run('SADD', 's', ...all);
    const full = shard.usedBytes;
    server.run('SREM', 's', ...all.slice(1));
    expect(full - shard.usedBytes).toBeGreaterThan(400);
    server.run('SADD', 's', ...all);
    server.run('SPOP', 's', '118');
    server.run('SPOP', 's');
    expect(full - shard.usedBytes).toBeGreaterThan(400);
    server.verify();
    server.run('DEL', 's');
  }
});

test('a record too short for the root of a table is not written over when there is no other', () => {
  const random = new Prng(freshSeed('a short record'));
  for (const key of ['a', 'abcde', 'abcdefghijklm']) {
    const server = new TestServer({ shardCount: 1, shardBytes: 1 << 20 });
    server.run('SADD', key, '1');
    const shard = server.engine.keyspace.shards[0]!;
    const junk: number[] = [];
    for (let bytes = 4096; bytes >= 8; bytes -= bytes > 64 ? bytes >> 1 : 8) {
      for (let at = allocate(shard, bytes); at !== 0; at = allocate(shard, bytes)) junk.push(at);
    }
    let refused = 0;
    while (server.run('SADD', key, 'x'.repeat(65)) === OUT_OF_MEMORY) {
      refused++;
      expect(membersOf(server, key)).toEqual(['1']);
      for (let i = 0; i < 30; i++) free(shard, junk.splice(random.below(junk.length), 1)[0]!);
    }
    expect(refused).toBeGreaterThan(3);
    expect(membersOf(server, key)).toEqual(['1', 'x'.repeat(65)]);
    for (const at of junk) free(shard, at);
    server.verify();
  }
});

describe('what is no set', () => {
  test('is refused by every command, before anything is changed', () => {
    const server = new TestServer();
    server.run('SET', 'text', 'v');
    server.run('SADD', 's', 'a');
    for (const command of [
      ['SADD', 'text', 'a'],
      ['SADD', 'text', 'a', 'b'],
      ['SREM', 'text', 'a'],
      ['SCARD', 'text'],
      ['SISMEMBER', 'text', 'a'],
      ['SMISMEMBER', 'text', 'a', 'b'],
      ['SMEMBERS', 'text'],
      ['SSCAN', 'text', '0'],
      ['SPOP', 'text'],
      ['SPOP', 'text', '2'],
      ['SRANDMEMBER', 'text'],
      ['SRANDMEMBER', 'text', '-2'],
      ['SMOVE', 'text', 's', 'a'],
      ['SMOVE', 's', 'text', 'a'],
      ['SINTER', 's', 'text'],
      ['SINTER', 'missing', 'text'],
      ['SUNION', 's', 'text'],
      ['SDIFF', 'missing', 'text'],
      ['SINTERSTORE', 's', 's', 'text'],
      ['SUNIONCARD', '2', 's', 'text'],
      ['SDIFFCARD', '2', 's', 'text'],
      ['SINTERCARD', '2', 's', 'text'],
    ]) {
      expect(server.run(...command)).toBe(WRONG_TYPE);
    }
    expect(server.run('GET', 'text')).toBe('$1\r\nv\r\n');
    expect(membersOf(server, 's')).toEqual(['a']);
    // Redis: there is nothing to move, whatever the destination is.
    expect(server.run('SMOVE', 'missing', 'text', 'a')).toBe(':0\r\n');
    for (const command of ['GET', 'INCR']) expect(server.run(command, 's')).toBe(WRONG_TYPE);
  });

  test('gets the shape of its reply in RESP3 too', () => {
    const server = new TestServer();
    server.run('HELLO', '3');
    server.run('SADD', 's', '1');
    expect(server.run('SMEMBERS', 's')).toBe('~1\r\n$1\r\n1\r\n');
    expect(server.run('SMEMBERS', 'missing')).toBe('~0\r\n');
    expect(server.run('SMISMEMBER', 's', '1')).toBe('*1\r\n:1\r\n');
    expect(server.run('SSCAN', 's', '0')).toBe('*2\r\n$1\r\n0\r\n*1\r\n$1\r\n1\r\n');
  });
});

describe("OBJECT ENCODING tells what Redis' set would be", () => {
  test('integers, up to the limit', () => {
    const server = new TestServer({
      settings: { 'set-max-intset-entries': '4', 'set-max-listpack-entries': '6' },
    });
    for (let i = 1; i <= 4; i++) server.run('SADD', 's', i);
    expect(encodingOf(server, 's')).toBe('intset');
    server.run('SADD', 's', '1');
    expect(encodingOf(server, 's')).toBe('intset');
    server.run('SADD', 's', '5');
    expect(encodingOf(server, 's')).toBe('hashtable');
    server.run('SREM', 's', '1', '2', '3');
    expect(encodingOf(server, 's')).toBe('hashtable');
  });

  test('integers that are joined by a text', () => {
    const server = new TestServer({ settings: { 'set-max-listpack-value': '5' } });
    server.run('SADD', 'a', '1', '2', 'x');
    expect(encodingOf(server, 'a')).toBe('listpack');
    server.run('SADD', 'b', '1', '2', 'toolong');
    expect(encodingOf(server, 'b')).toBe('hashtable');
    server.run('SADD', 'c', '1', '123456', 'x');
    expect(encodingOf(server, 'c')).toBe('hashtable');
    server.run('SADD', 'd', '1', '-12345');
    server.run('SADD', 'd', 'x');
    expect(encodingOf(server, 'd')).toBe('hashtable');
    server.run('SADD', 'e', ...Array.from({ length: 128 }, (_, i) => i));
    server.run('SADD', 'e', 'x');
    expect(encodingOf(server, 'e')).toBe('hashtable');
  });

  test('texts, up to the limits of number and length', () => {
    const server = new TestServer();
    for (let i = 0; i < 128; i++) server.run('SADD', 's', `m${i}`);
    expect(encodingOf(server, 's')).toBe('listpack');
    server.run('SADD', 's', 'm0');
    expect(encodingOf(server, 's')).toBe('listpack');
    server.run('SADD', 's', 'm128');
    expect(encodingOf(server, 's')).toBe('hashtable');
    server.run('SADD', 't', 'x'.repeat(64));
    expect(encodingOf(server, 't')).toBe('listpack');
    server.run('SADD', 't', 'x'.repeat(65));
    expect(encodingOf(server, 't')).toBe('hashtable');
    server.run('SADD', 'u', 'x'.repeat(65));
    expect(encodingOf(server, 'u')).toBe('hashtable');
  });

  test('many at once, by how many are asked for', () => {
    const server = new TestServer();
    server.run('SADD', 'a', ...Array.from({ length: 512 }, (_, i) => i));
    expect(encodingOf(server, 'a')).toBe('intset');
    server.run('SADD', 'b', ...Array.from({ length: 513 }, () => 1));
    expect(encodingOf(server, 'b')).toBe('hashtable');
    server.run('SADD', 'c', ...Array.from({ length: 129 }, () => 'x'));
    expect(encodingOf(server, 'c')).toBe('hashtable');
    server.run('SADD', 'd', 'x');
    server.run('SADD', 'd', ...Array.from({ length: 129 }, () => 'x'));
    expect(encodingOf(server, 'd')).toBe('hashtable');
    const low = new TestServer({ settings: { 'set-max-intset-entries': '2' } });
    low.run('SADD', 'e', '1', '2', '3');
    expect(encodingOf(low, 'e')).toBe('listpack');
  });

  test('limits that are changed hold from then on', () => {
    const server = new TestServer();
    server.run('SADD', 's', 'a', 'b', 'c');
    server.engine.keyspace.packedLimits.setEntries = 2;
    expect(encodingOf(server, 's')).toBe('listpack');
    server.run('SADD', 's', 'd');
    expect(encodingOf(server, 's')).toBe('hashtable');
  });
});
