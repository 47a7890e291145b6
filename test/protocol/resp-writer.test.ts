/** Every kind of reply in both versions of the protocol, and the buffer behind them. */

import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { RespWriter } from '../../src/protocol/resp-writer.ts';

const MEBIBYTE = 1 << 20;

function written(version: 2 | 3, write: (reply: RespWriter) => void): string {
  const reply = new RespWriter(4096);
  reply.version = version;
  write(reply);
  return reply.bytes.u8.toString('latin1', 0, reply.at);
}

const source = Bytes.fromText('0123456789');

/** What a handler says, and how it is spelled in RESP2 and RESP3. */
const forms: Record<string, [write: (reply: RespWriter) => void, resp2: string, resp3: string]> = {
  ok: [(reply) => reply.ok(), '+OK\r\n', '+OK\r\n'],
  simple: [(reply) => reply.simple('PONG'), '+PONG\r\n', '+PONG\r\n'],
  error: [(reply) => reply.error('ERR a\r\nb'), '-ERR a b\r\n', '-ERR a b\r\n'],
  'integer 0': [(reply) => reply.integer(0), ':0\r\n', ':0\r\n'],
  'a negative integer': [
    (reply) => reply.integer(-1234567890123),
    ':-1234567890123\r\n',
    ':-1234567890123\r\n',
  ],
  'the largest 64-bit integer': [
    (reply) => reply.bigInteger(2n ** 63n - 1n),
    ':9223372036854775807\r\n',
    ':9223372036854775807\r\n',
  ],
  bulk: [(reply) => reply.bulk(source, 2, 3), '$3\r\n234\r\n', '$3\r\n234\r\n'],
  'an empty bulk': [(reply) => reply.bulk(source, 0, 0), '$0\r\n\r\n', '$0\r\n\r\n'],
  'text in UTF-8': [(reply) => reply.bulkText('é'), '$2\r\n\xc3\xa9\r\n', '$2\r\n\xc3\xa9\r\n'],
  'bytes as they are': [
    (reply) => reply.bulkBuffer(Uint8Array.of(0, 255)),
    '$2\r\n\0\xff\r\n',
    '$2\r\n\0\xff\r\n',
  ],
  nil: [(reply) => reply.nil(), '$-1\r\n', '_\r\n'],
  'nil in place of an array': [(reply) => reply.nilArray(), '*-1\r\n', '_\r\n'],
  array: [(reply) => reply.array(12), '*12\r\n', '*12\r\n'],
  map: [(reply) => reply.map(2), '*4\r\n', '%2\r\n'],
  set: [(reply) => reply.set(3), '*3\r\n', '~3\r\n'],
  push: [(reply) => reply.push(3), '*3\r\n', '>3\r\n'],
  true: [(reply) => reply.boolean(true), ':1\r\n', '#t\r\n'],
  false: [(reply) => reply.boolean(false), ':0\r\n', '#f\r\n'],
  double: [(reply) => reply.double(1.5), '$3\r\n1.5\r\n', ',1.5\r\n'],
  infinity: [(reply) => reply.double(-Infinity), '$4\r\n-inf\r\n', ',-inf\r\n'],
  verbatim: [(reply) => reply.verbatim('é', 'txt'), '$2\r\n\xc3\xa9\r\n', '=6\r\ntxt:\xc3\xa9\r\n'],
  raw: [(reply) => reply.raw(Buffer.from('END\r\n')), 'END\r\n', 'END\r\n'],
  'copied bytes': [(reply) => reply.copy(source, 1, 4), '1234', '1234'],
};

describe('replies', () => {
  for (const [name, [write, resp2, resp3]] of Object.entries(forms)) {
    test(name, () => {
      expect(written(2, write)).toBe(resp2);
      expect(written(3, write)).toBe(resp3);
    });
  }

  test('errors are counted', () => {
    const reply = new RespWriter();
    reply.error('ERR one');
    reply.error('ERR two');
    expect(reply.errorCount).toBe(2);
  });
});

describe('the buffer', () => {
  test('grows for every kind of reply, wherever its end falls', () => {
    for (const [name, [write, wanted]] of Object.entries(forms)) {
      for (let lead = 4096 - 100; lead <= 4096; lead++) {
        const reply = new RespWriter(4096);
        reply.ensure(lead);
        reply.bytes.u8.fill(46, 0, lead);
        reply.at = lead;
        write(reply);
        const text = reply.bytes.u8.toString('latin1', 0, reply.at);
        if (text !== '.'.repeat(lead) + wanted) throw new Error(`${name} behind ${lead} bytes`);
        expect(reply.bytes.u8.length).toBeGreaterThanOrEqual(reply.at);
      }
    }
  });

  test('grows over a mebibyte, keeping what was written, and is given back by clear', () => {
    const reply = new RespWriter();
    const value = Bytes.allocate(3 * MEBIBYTE);
    value.u8.fill(120);
    let wanted = 0;
    for (let i = 0; i < 4; i++) {
      reply.bulk(value, 0, value.u8.length);
      wanted += `$${value.u8.length}\r\n\r\n`.length + value.u8.length;
      reply.integer(i);
      wanted += 4;
    }
    expect(reply.at).toBe(wanted);
    expect(reply.bytes.u8.toString('latin1', 0, 12)).toBe('$3145728\r\nxx');
    expect(reply.bytes.u8.toString('latin1', wanted - 7, wanted)).toBe('x\r\n:3\r\n');
    reply.clear();
    expect(reply.at).toBe(0);
    expect(reply.bytes.u8.length).toBe(MEBIBYTE);
    reply.ok();
    expect(reply.bytes.u8.toString('latin1', 0, reply.at)).toBe('+OK\r\n');
  });

  test('stays as it is after clear while replies are small', () => {
    const reply = new RespWriter();
    const { bytes } = reply;
    for (let i = 0; i < 100; i++) {
      reply.bulk(source, 0, 10);
      reply.clear();
    }
    expect(reply.bytes).toBe(bytes);
  });

  test('text of many bytes a letter finds room', () => {
    const text = '\u{1f600}€é'.repeat(5000);
    const reply = new RespWriter(4096);
    reply.bulkText(text);
    const byteCount = Buffer.byteLength(text);
    expect(reply.bytes.u8.toString('utf8', 0, reply.at)).toBe(`$${byteCount}\r\n${text}\r\n`);
  });
});
