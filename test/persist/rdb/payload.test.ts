/** RESTORE of every form that was ever written, of what is none, and of everything with a byte changed. */
import { describe, expect, test } from 'bun:test';
import { BAD_BODIES, BODIES } from '../../support/rdb-bodies.ts';
import { bulkBytes, payloadOf } from '../../support/rdb-file.ts';
import { SAMPLES } from '../../support/rdb-samples.ts';
import { TestServer } from '../../support/test-server.ts';

const BAD_FORMAT = '-ERR Bad data format\r\n';
const WRONG_FOOTER = '-ERR DUMP payload version or checksum are wrong\r\n';
/** Larger payloads are changed at some places only. */
const ALL_PLACES_BYTES = 200;

/** The texts and integers of a reply, in order. */
function leaves(reply: string): string[] {
  const found: string[] = [];
  for (const part of reply.matchAll(/\$(\d+)\r\n|(:-?\d+)\r\n/g)) {
    const at = part.index + part[0].length;
    if (part[2] === undefined) found.push(reply.slice(at, at + Number(part[1])));
    else found.push(part[2]);
  }
  return found;
}

describe('RESTORE', () => {
  test.each(BODIES.map((body) => [body.name, body] as const))(
    'takes a %s',
    (_name, { body, command, reply }) => {
      const server = new TestServer();
      expect(server.run('RESTORE', 'k', 0, payloadOf(body))).toBe('+OK\r\n');
      expect(leaves(server.run(...command))).toEqual([...reply]);
      server.verify();
      const again = bulkBytes(server.run('DUMP', 'k'));
      expect(server.run('RESTORE', 'k', 0, again, 'REPLACE')).toBe('+OK\r\n');
      expect(leaves(server.run(...command))).toEqual([...reply]);
      server.verify();
    },
  );

  test.each(BAD_BODIES.map(([name, body]) => [name, body] as const))(
    'refuses %s, and changes nothing',
    (_name, body) => {
      const server = new TestServer();
      server.run('SET', 'k', 'old');
      expect(server.run('RESTORE', 'k', 0, payloadOf(body), 'REPLACE')).toBe(BAD_FORMAT);
      expect(server.run('RESTORE', 'other', 0, payloadOf(body))).toBe(BAD_FORMAT);
      expect(server.run('GET', 'k')).toBe('$3\r\nold\r\n');
      expect(server.run('DBSIZE')).toBe(':1\r\n');
      server.verify();
    },
  );

  test('takes groups of a stream with what is pending, whatever the version', () => {
    for (const { body, name } of BODIES) {
      if (!name.startsWith('stream')) continue;
      const server = new TestServer();
      server.run('RESTORE', 'k', 0, payloadOf(body));
      expect(server.run('XPENDING', 'k', 'g', '-', '+', 10)).toContain('$3\r\n5-1\r\n$1\r\nc\r\n');
      expect(server.run('XINFO', 'STREAM', 'k')).toContain('$17\r\nlast-generated-id\r\n$3\r\n6-7\r\n');
    }
  });

  test('refuses every payload that is cut short anywhere, and one of a later version', () => {
    const server = new TestServer();
    for (const { body } of BODIES) {
      for (let length = 0; length < body.length; length++) {
        expect(server.run('RESTORE', 'k', 0, payloadOf(body.subarray(0, length)))).toBe(BAD_FORMAT);
      }
    }
    const payload = payloadOf(BODIES[0]!.body);
    for (let length = 0; length < payload.length; length++) {
      expect(server.run('RESTORE', 'k', 0, payload.subarray(0, length))).toBe(WRONG_FOOTER);
    }
    expect(server.run('RESTORE', 'k', 0, payloadOf(BODIES[0]!.body, 15))).toBe(WRONG_FOOTER);
    expect(server.run('RESTORE', 'k', 0, payloadOf(BODIES[0]!.body, 14))).toBe('+OK\r\n');
    server.verify();
  });
});

describe('RESTORE without memory', () => {
  const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `word-${index}`);
  const large: readonly (readonly (string | number)[])[] = [
    ['SET', 'k', 'x'.repeat(700_000)],
    ['RPUSH', 'k', ...words(20_000)],
    ['SADD', 'k', ...words(8000)],
    ['SADD', 'k', ...Array.from({ length: 9000 }, (_, index) => index * 1000)],
    ['HSET', 'k', ...words(16_000)],
    ['ZADD', 'k', ...words(8000).flatMap((word, index) => [index / 7, word])],
  ];

  test.each(large.map((command) => [command[0], command] as const))(
    'changes nothing, whenever it runs out: %s',
    (_name, command) => {
      const source = new TestServer();
      source.run(...command);
      const payload = bulkBytes(source.run('DUMP', 'k'));
      const digest = source.run('DEBUG', 'DIGEST-VALUE', 'k');
      const server = new TestServer({ shardCount: 1, shardBytes: 2 << 20 });
      server.run('SET', 'k', 'old');
      let refused = 0;
      for (let filler = 0; filler < 30; filler++) {
        const reply = server.run('RESTORE', 'k', 0, payload, 'REPLACE');
        if (reply === '+OK\r\n') {
          expect(server.run('DEBUG', 'DIGEST-VALUE', 'k')).toBe(digest);
          server.run('SET', 'k', 'old');
        } else {
          expect(reply).toStartWith('-OOM ');
          expect(server.run('GET', 'k')).toBe('$3\r\nold\r\n');
          refused++;
        }
        server.verify();
        server.run('SET', `filler:${filler}`, 'y'.repeat(60_000));
      }
      expect(refused).toBeGreaterThan(0);
    },
  );

  test('changes nothing, whenever it runs out: XADD', () => {
    const source = new TestServer();
    for (let index = 1; index <= 3000; index++)
      source.run('XADD', 'k', `${index}-0`, 'field', `value-${index}`);
    source.run('XGROUP', 'CREATE', 'k', 'g', '0');
    source.run('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 2000, 'STREAMS', 'k', '>');
    const payload = bulkBytes(source.run('DUMP', 'k'));
    const server = new TestServer({ shardCount: 1, shardBytes: 1 << 20 });
    let refused = 0;
    for (let filler = 0; filler < 25; filler++) {
      const reply = server.run('RESTORE', 'k', 0, payload, 'REPLACE');
      if (reply !== '+OK\r\n') {
        expect(reply).toStartWith('-OOM ');
        refused++;
      }
      server.run('DEL', 'k');
      server.verify();
      server.run('SET', `filler:${filler}`, 'y'.repeat(20_000));
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('changes nothing when there is none for the time alone', () => {
    const source = new TestServer();
    const payloads = Array.from({ length: 128 }, (_, index) => {
      source.run('DEL', 'k');
      // Packed, and so in a record that a time may bring into the next size of blocks.
      for (let left = 3000 + index * 8; left > 0; left -= 60) {
        source.run('HSET', 'k', `f${left}`, 'x'.repeat(Math.min(left, 60)));
      }
      return bulkBytes(source.run('DUMP', 'k'));
    });
    const server = new TestServer({ shardCount: 1, shardBytes: 1 << 20 });
    server.run('SET', 'k', 'old');
    server.run('SET', 'reserve', 'z'.repeat(12_000));
    for (let i = 0; server.run('SET', `filler:${i}`, 'y'.repeat(500)) === '+OK\r\n';) i++;
    server.run('DEL', 'reserve');
    let taken = 0;
    let refused = 0;
    for (let step = 0; refused < payloads.length; step++) {
      for (const payload of payloads) {
        const reply = server.run('RESTORE', 'k', 1_000_000, payload, 'REPLACE');
        if (reply === '+OK\r\n') {
          server.run('SET', 'k', 'old');
          taken++;
          continue;
        }
        expect(reply).toStartWith('-OOM ');
        expect(server.run('GET', 'k')).toBe('$3\r\nold\r\n');
        refused++;
      }
      server.run('SET', `step:${step}`, 'y'.repeat(700));
    }
    server.verify();
    expect(taken).toBeGreaterThan(0);
  });
});

/** Changes one byte after the other of `body`; with a right checksum it must be a value or be refused. */
function changeEveryByte(server: TestServer, body: Buffer): number {
  let taken = 0;
  const step = body.length <= ALL_PLACES_BYTES ? 1 : Math.ceil(body.length / ALL_PLACES_BYTES);
  for (let at = 0; at < body.length; at += step) {
    for (const change of [0xff, 1 << (at % 8)]) {
      const changed = Buffer.from(body);
      changed[at]! ^= change;
      const reply = server.run('RESTORE', 'k', 0, payloadOf(changed, 12), 'REPLACE');
      if (reply === '+OK\r\n') taken++;
      else expect(reply).toBe(BAD_FORMAT);
    }
    if (at % 8 !== 0) continue;
    server.run('DEBUG', 'DIGEST-VALUE', 'k');
    server.run('DUMP', 'k');
    server.verify();
  }
  return taken;
}

describe('a payload with any byte changed', () => {
  test.each(BODIES.map(({ name, body }) => [name, body] as const))(
    'is a value or refused: %s',
    (_name, body) => {
      const server = new TestServer({ shardCount: 1, shardBytes: 8 << 20 });
      expect(changeEveryByte(server, body)).toBeLessThan(body.length * 2);
    },
  );

  test('is a value or refused: what DUMP gives', () => {
    const server = new TestServer({ shardCount: 1, shardBytes: 8 << 20 });
    for (const { commands } of SAMPLES) {
      server.run('FLUSHALL');
      for (const command of commands) server.run(...command);
      const payload = bulkBytes(server.run('DUMP', 'k'));
      changeEveryByte(server, payload.subarray(0, Math.min(payload.length - 10, 3000)));
    }
  });

  test('is refused where the checksum is not made right', () => {
    const server = new TestServer();
    for (const { body } of BODIES) {
      const payload = payloadOf(body);
      for (let at = 0; at < payload.length; at++) {
        const changed = Buffer.from(payload);
        changed[at]! ^= 0x10;
        expect(server.run('RESTORE', 'k', 0, changed)).toBe(WRONG_FOOTER);
      }
    }
    expect(server.run('DBSIZE')).toBe(':0\r\n');
  });
});
