/** Files: what stands in them beside values, in whatever pieces they are read, and with every byte changed. */
import { describe, expect, test } from 'bun:test';
import { RdbError } from '../../../src/persist/rdb/error.ts';
import { bytes, f64, rdbFile, text, u32, u64 } from '../../support/rdb-bytes.ts';
import { BODIES } from '../../support/rdb-bodies.ts';
import { loadFile, saveFile } from '../../support/rdb-file.ts';
import { SAMPLES } from '../../support/rdb-samples.ts';
import { TestServer } from '../../support/test-server.ts';

const LATER_MS = 33177117420000;

function smallServer(): TestServer {
  return new TestServer({ shardCount: 1, shardBytes: 16 << 20 });
}

/** A file of one key of each form, by hand. */
const ALL_FORMS = rdbFile(
  12,
  ...BODIES.map(({ body }, index) => bytes(body[0]!, text(`k${index}`), body.subarray(1))),
);

/** What loading a file that is not sound says, or null: it was loaded. Anything but RdbError is let through. */
function complaint(server: TestServer, file: Buffer, isSumming = true): RdbError | null {
  try {
    loadFile(server, file, { isSumming });
    return null;
  } catch (error) {
    if (error instanceof RdbError) return error;
    throw error;
  }
}

describe('an RDB file', () => {
  test('is loaded alike in whatever pieces it comes', () => {
    const source = smallServer();
    for (const [index, { commands }] of SAMPLES.entries()) {
      for (const command of commands)
        source.run(...command.map((part) => (part === 'k' ? `k${index}` : part)));
    }
    const file = saveFile(source);
    const digest = source.run('DEBUG', 'DIGEST');
    for (const [windowBytes, readBytes] of [
      [16, 1 << 20],
      [64, 7],
      [5000, 3000],
      [1 << 22, 1 << 22],
    ]) {
      const server = smallServer();
      const outcome = loadFile(server, file, { windowBytes: windowBytes!, readBytes: readBytes! });
      expect(outcome.loader.keyCount).toBe(SAMPLES.length);
      expect(outcome.scanner.offset).toBe(file.length);
      expect(server.run('DEBUG', 'DIGEST')).toBe(digest);
      server.verify();
    }
  });

  test('may hold every form there ever was, and is written again', () => {
    const server = smallServer();
    expect(loadFile(server, ALL_FORMS).loader.keyCount).toBe(BODIES.length);
    const digest = server.run('DEBUG', 'DIGEST');
    for (const version of [10, 12]) {
      const again = smallServer();
      loadFile(again, saveFile(server, { version }));
      expect(again.run('DEBUG', 'DIGEST')).toBe(digest);
    }
  });

  test('says in front of an entry when it expires and how it was used', () => {
    const server = smallServer();
    const file = rdbFile(
      9,
      bytes(254, 0, 251, 3, 2),
      bytes(252, u64(LATER_MS), 0, text('ms'), text('1')),
      bytes(253, u32(2000000000), 0, text('s'), text('2')),
      bytes(252, u64(1), 0, text('gone'), text('3')),
      bytes(248, 0x40, 100, 0, text('idle'), text('4')),
      bytes(249, 77, 0, text('often'), text('5')),
      bytes(254, 3, 252, u64(LATER_MS), 248, 5, 2, text('set'), 1, text('a')),
    );
    server.run('PING');
    const { loader } = loadFile(server, file);
    expect([loader.keyCount, loader.expiredCount]).toEqual([5, 1]);
    expect(server.run('PEXPIRETIME', 'ms')).toBe(`:${LATER_MS}\r\n`);
    expect(server.run('PEXPIRETIME', 's')).toBe(':2000000000000\r\n');
    expect(server.run('OBJECT', 'IDLETIME', 'idle')).toBe(':100\r\n');
    expect(server.run('OBJECT', 'IDLETIME', 'often')).toBe(':0\r\n');
    server.run('SELECT', 3);
    expect(server.run('PEXPIRETIME', 'set')).toBe(`:${LATER_MS}\r\n`);
    expect(server.run('OBJECT', 'IDLETIME', 'set')).toBe(':5\r\n');
    const all = smallServer();
    expect(loadFile(all, file, { isDroppingExpired: false }).loader.keyCount).toBe(6);
  });

  test('may have facts, libraries, slots and what modules have written around its entries', () => {
    const server = smallServer();
    const module = bytes(0x81, u64(0x4d4f44554c450000n).reverse());
    const file = rdbFile(
      11,
      bytes(250, text('redis-ver'), text('7.2.0'), 250, text('ctime'), 0xc2, u32(1600000000)),
      bytes(245, text('#!lua name=a\n')),
      bytes(247, module, 2, 1, 1, 5, 2, 0x81, u64(-1), 3, u32(0), 4, f64(1), 5, text('x'), 0),
      bytes(254, 0, 244, 1, 2, 3, 251, 1, 0, 0, text('a'), text('1'), 244, 1, 2, 3),
      bytes(250, text('between'), text('entries'), 0, text('b'), text('2')),
    );
    const outcome = loadFile(server, file);
    expect([...outcome.facts]).toEqual([
      ['redis-ver', '7.2.0'],
      ['ctime', '1600000000'],
      ['between', 'entries'],
    ]);
    expect(outcome.libraries).toEqual(['#!lua name=a\n']);
    expect(outcome.warnings).toHaveLength(1);
    expect(server.run('MGET', 'a', 'b')).toBe('*2\r\n$1\r\n1\r\n$1\r\n2\r\n');
  });

  test('may say in fields of our own what the format cannot, as was first agreed', () => {
    const server = smallServer();
    const times = bytes(u64(0).subarray(0, 6), u64(LATER_MS).subarray(0, 6));
    const file = rdbFile(
      10,
      bytes(
        250,
        text('damselfly-field-expiry'),
        text(times),
        4,
        text('h'),
        2,
        text('a'),
        text('1'),
        text('b'),
        text('2'),
      ),
      bytes(
        250,
        text('damselfly-client-flags'),
        0xc0,
        77,
        252,
        u64(LATER_MS),
        0,
        text('item'),
        text('hello'),
      ),
      bytes(4, text('plain'), 1, text('a'), text('1')),
    );
    loadFile(server, file);
    expect(server.run('HPEXPIRETIME', 'h', 'FIELDS', 2, 'a', 'b')).toBe(`*2\r\n:-1\r\n:${LATER_MS}\r\n`);
    expect(server.run('HPEXPIRETIME', 'plain', 'FIELDS', 1, 'a')).toBe('*1\r\n:-1\r\n');
    expect(server.connectMemcached().send('get item\r\n')).toBe('VALUE item 77 5\r\nhello\r\nEND\r\n');
    expect(server.run('PEXPIRETIME', 'item')).toBe(`:${LATER_MS}\r\n`);
    server.verify();
  });

  test('leaves out collections without elements, which old servers could write', () => {
    const server = smallServer();
    const { loader } = loadFile(server, rdbFile(9, bytes(1, text('empty'), 0, 0, text('a'), text('1'))));
    expect([loader.keyCount, loader.emptyCount]).toEqual([1, 1]);
    expect(server.run('DBSIZE')).toBe(':1\r\n');
  });

  test('of the oldest versions has no checksum, and bytes may follow it', () => {
    const server = smallServer();
    const file = rdbFile(3, bytes(254, 0, 0, text('a'), text('1')));
    const { scanner } = loadFile(server, bytes(file, '*1\r\n$4\r\nPING\r\n'));
    expect(scanner.offset).toBe(file.length);
    expect(scanner.rest.toString()).toBe('*1\r\n$4\r\nPING\r\n');
  });

  test.each([
    ['nothing', Buffer.alloc(0), 0, 'too short'],
    ['something else', bytes('GIF89a and more'), 0, 'not an RDB file'],
    ['no version', bytes('REDISabcd', 255), 5, 'no version'],
    ['a version that is not known', rdbFile(15), 5, 'version 15'],
    ['no end', bytes('REDIS0009', 0, text('a'), text('1')), 14, 'unexpected end'],
    ['an unknown type', rdbFile(9, bytes(0, text('a'), text('1'), 60, text('b'))), 14, 'unknown type 60'],
    [
      'a module',
      rdbFile(9, bytes(7, text('a'), 0x81, u64(0x4d4f44554c450000n).reverse(), 0)),
      12,
      'of the module',
    ],
    ['a database that there is not', rdbFile(9, bytes(254, 16, 0, text('a'), text('1'))), 11, 'database 16'],
    ['a key twice', rdbFile(9, bytes(0, text('a'), text('1'), 0, text('a'), text('2'))), 14, 'there twice'],
    ['functions of a release candidate', rdbFile(10, bytes(246, text('x'))), 9, 'release candidates'],
    ['a wrong checksum', bytes(rdbFile(9).subarray(0, -8), u64(1)), 10, 'checksum'],
  ] as const)('with %s is refused, with the place and the reason', (_name, file, offset, reason) => {
    const error = complaint(smallServer(), Buffer.from(file));
    expect(error?.reason).toContain(reason);
    expect(error?.offset).toBeGreaterThanOrEqual(offset);
    expect(error?.offset).toBeLessThanOrEqual(offset + 10);
    expect(error?.message).toContain(`at byte ${error!.offset}`);
  });

  test('that is cut short anywhere is refused', () => {
    const server = smallServer();
    for (let length = 0; length < ALL_FORMS.length; length++) {
      server.run('FLUSHALL');
      expect(complaint(server, ALL_FORMS.subarray(0, length))).not.toBeNull();
    }
    server.verify();
  });

  test('with any byte changed is refused where there is a checksum', () => {
    const source = smallServer();
    for (const [index, { commands }] of SAMPLES.slice(0, 30).entries()) {
      for (const command of commands)
        source.run(...command.map((part) => (part === 'k' ? `k${index}` : part)));
    }
    source.run('HSET', 'h', 'f', 'v');
    source.run('HPEXPIREAT', 'h', LATER_MS, 'FIELDS', 1, 'f');
    const file = saveFile(source);
    const server = smallServer();
    const step = Math.ceil(file.length / 2000);
    for (let at = 0; at < file.length; at += step) {
      const changed = Buffer.from(file);
      changed[at]! ^= 1 << (at % 8);
      server.run('FLUSHALL');
      const error = complaint(server, changed);
      // A file that says that it is of a version before checksums is believed.
      if (error === null) expect(at).toBeLessThan(9);
    }
    server.verify();
  });

  test('with any byte changed is refused or loaded where there is none', () => {
    const server = smallServer();
    for (let at = 0; at < ALL_FORMS.length; at++) {
      for (const change of [0xff, 1 << (at % 8)]) {
        const changed = Buffer.from(ALL_FORMS);
        changed[at]! ^= change;
        server.run('FLUSHALL');
        complaint(server, changed, false);
      }
      if (at % 16 === 0) {
        server.run('DEBUG', 'DIGEST');
        saveFile(server, { version: 12 });
        server.verify();
      }
    }
  });

  test('that does not fit is refused, with what was loaded before in order', () => {
    const source = new TestServer();
    for (let index = 0; index < 200; index++) source.run('SET', `key:${index}`, Buffer.alloc(20000, 'x'));
    source.run('SADD', 'set', ...Array.from({ length: 5000 }, (_, index) => `member:${index}`));
    const server = new TestServer({ shardCount: 1, shardBytes: 1 << 20 });
    const error = complaint(server, saveFile(source));
    expect(error?.reason).toContain('no memory');
    server.verify();
  });
});
