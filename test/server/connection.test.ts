/** A connection between an input cut into pieces and a socket that takes what it likes. */

import { describe, expect, test } from 'bun:test';
import { Prng } from '../support/prng.ts';
import { encodeRequest, TestServer } from '../support/test-server.ts';

describe('input in pieces', () => {
  test('requests cut anywhere, large and small mixed, are answered as if they came whole', () => {
    const seed = Number(process.env['SEED'] ?? 20250113);
    const prng = new Prng(seed);
    for (let round = 0; round < 20; round++) {
      const server = new TestServer();
      const requests: Buffer[] = [];
      let expected = '';
      for (let i = 0; i < 30; i++) {
        const value = String.fromCharCode(97 + (i % 26)).repeat(
          prng.below(5) === 0 ? prng.below(80_000) : 10,
        );
        const extra =
          prng.below(4) === 0 ? Array.from({ length: prng.below(3000) }, (_, n) => `x${n}`) : null;
        requests.push(
          encodeRequest(extra === null ? ['ECHO', value] : ['NOSUCH', 'a'.repeat(200), ...extra]),
        );
        expected +=
          extra === null
            ? `$${value.length}\r\n${value}\r\n`
            : `-ERR unknown command 'NOSUCH', with args beginning with: '${'a'.repeat(128)}' \r\n`;
      }
      const input = Buffer.concat(requests);
      let output = '';
      for (let at = 0; at < input.length;) {
        const byteCount = 1 + prng.below(prng.below(2) === 0 ? 100_000 : 3000);
        output += server.client.send(input.subarray(at, at + byteCount));
        at += byteCount;
      }
      if (output !== expected) throw new Error(`seed ${seed}, round ${round}: replies differ`);
      expect(server.client.connection.pendingBytes).toBe(0);
    }
  });

  test('what follows a large request in the same read does not change it', () => {
    const { client } = new TestServer();
    const value = 'v'.repeat(100_000);
    const request = encodeRequest(['ECHO', value]);
    client.send(request.subarray(0, 50_000));
    expect(client.connection.pendingBytes).toBe(50_000);
    const rest = Buffer.concat([
      request.subarray(50_000),
      encodeRequest(['ECHO', 'b']),
      encodeRequest(['ECHO', 'c']),
    ]);
    expect(client.send(rest) === `$100000\r\n${value}\r\n$1\r\nb\r\n$1\r\nc\r\n`).toBe(true);
  });

  test('clients whose requests arrive interleaved, piece by piece, do not notice each other', () => {
    const seed = Number(process.env['SEED'] ?? 20250114);
    const prng = new Prng(seed);
    const request = (client: number, i: number): [Buffer, string] => {
      const filler = String.fromCharCode(97 + prng.below(26));
      const text = `${client}:${i}:${filler.repeat(prng.below(2) === 0 ? prng.below(120_000) : prng.below(40))}`;
      const bulk = `$${text.length}\r\n${text}\r\n`;
      switch (prng.below(4)) {
        case 0:
          return [Buffer.from(`ECHO "${text}"\r\n`), text.length < 60_000 ? bulk : ''];
        case 1: {
          const names = Array.from({ length: 1 + prng.below(3000) }, (_, n) => `none${n}`);
          return [encodeRequest(['EXISTS', ...names]), ':0\r\n'];
        }
        default:
          return [encodeRequest(['SET', `k${client}`, text, 'GET']), '?'];
      }
    };
    for (let round = 0; round < 10; round++) {
      const server = new TestServer();
      const clients = Array.from({ length: 4 }, (_, index) => {
        const pairs = Array.from({ length: 15 }, (_unused, i) => request(index, i)).filter(
          ([, reply]) => reply,
        );
        let last = '$-1\r\n';
        let expected = '';
        for (const [bytes, reply] of pairs) {
          expected += reply === '?' ? last : reply;
          if (reply !== '?') continue;
          const [, , , , , , value] = bytes.toString().split('\r\n');
          last = `$${value!.length}\r\n${value}\r\n`;
        }
        const input = Buffer.concat(pairs.map(([bytes]) => bytes));
        return { client: server.connect(), input, expected, at: 0, output: '' };
      });
      while (clients.some(({ at, input }) => at < input.length)) {
        const one = clients[prng.below(clients.length)]!;
        const byteCount = 1 + prng.below(prng.below(3) === 0 ? 3000 : 60_000);
        one.output += one.client.send(one.input.subarray(one.at, one.at + byteCount));
        one.at += byteCount;
      }
      const differing = clients.findIndex(({ output, expected }) => output !== expected);
      if (differing >= 0) throw new Error(`seed ${seed}, round ${round}: replies of client ${differing}`);
      server.verify();
    }
  });

  test('a large request that is not complete yet is not changed by what other clients send', () => {
    const values = Array.from({ length: 6 }, (_, i) => String(i).repeat(100_000));
    const input = Buffer.concat(values.map((value, i) => encodeRequest(['SET', `key${i}`, value])));
    for (const chunkBytes of [5_000, 17_000, 40_000, 70_000]) {
      const server = new TestServer();
      const other = server.connect();
      for (let at = 0; at < input.length; at += chunkBytes) {
        server.client.send(input.subarray(at, at + chunkBytes));
        expect(other.run('EXISTS', 'the-key', 'of-another', 'client')).toBe(':0\r\n');
      }
      values.forEach((value, i) => {
        expect(server.run('GET', `key${i}`) === `$100000\r\n${value}\r\n`).toBe(true);
      });
    }
  });

  test('limits beyond what positions can express are taken as the greatest they can', () => {
    const server = new TestServer({
      settings: { 'proto-max-bulk-len': '9223372036854775807', 'client-query-buffer-limit': '8589934592' },
    });
    expect(server.engine.queryBytesMax).toBe(2 ** 31 - 1);
    expect(server.client.send('*2\r\n$4\r\nECHO\r\n$2147483648\r\n')).toBe(
      '-ERR Protocol error: invalid bulk length\r\n',
    );
    expect(server.connect().run('SETRANGE', 'k', '9007199254740000', 'x')).toStartWith('-ERR string exceeds');
  });

  test('the buffer of a request grows with what has come, not with what was announced', () => {
    const { client } = new TestServer();
    client.send('*1000000\r\n$536870912\r\n');
    expect(client.connection.pendingCapacityBytes).toBeLessThan(10_000);
    client.send(Buffer.alloc(100_000));
    expect(client.connection.pendingCapacityBytes).toBeLessThan(500_000);
  });

  test('many small pieces of a request with many arguments are not copied over and over', () => {
    const { client } = new TestServer();
    const request = encodeRequest(['NOSUCH', ...Array.from({ length: 60_000 }, () => 'argument')]);
    const startedAt = performance.now();
    for (let at = 0; at < request.length; at += 50) client.send(request.subarray(at, at + 50));
    expect(client.socket.output).toStartWith('-ERR unknown command');
    // A copy or a reading of it all with each of the 18,000 pieces would take many times as long.
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  test('a request beyond client-query-buffer-limit ends the connection', () => {
    const { client } = new TestServer({ settings: { 'client-query-buffer-limit': '1048576' } });
    client.send('*2\r\n$4\r\nECHO\r\n$10000000\r\n');
    for (let i = 0; i < 9; i++) client.send(Buffer.alloc(131_072));
    expect(client.socket.ended).toBe(true);
    expect(client.connection.pendingCapacityBytes).toBe(0);
  });
});

describe('a client that does not read', () => {
  const get = encodeRequest(['GET', 'k']);
  const bigReply = `$300000\r\n${'v'.repeat(300_000)}\r\n`;

  function backlogged(limit: string): TestServer {
    const server = new TestServer({
      settings: { 'client-output-buffer-limit': `normal ${limit} slave 0 0 0 pubsub 0 0 0` },
    });
    server.run('SET', 'k', 'v'.repeat(300_000));
    server.client.socket.room = 1000;
    return server;
  }

  test('has its requests wait, at most a flush and a reply of output kept for it, and gets all in the end', () => {
    const { client } = backlogged('0 0 0');
    client.send(Buffer.concat(Array.from({ length: 1000 }, () => get)));
    expect(client.socket.paused).toBe(true);
    expect(client.connection.outputBytes).toBeLessThan(1 << 21);
    let output = client.socket.output;
    for (let turn = 0; output.length < 1000 * bigReply.length && turn < 10_000; turn++) {
      client.socket.output = '';
      client.socket.room = 700_000;
      client.connection.drain();
      output += client.socket.output;
      expect(client.connection.outputBytes).toBeLessThan(1 << 21);
    }
    expect(output === bigReply.repeat(1000)).toBe(true);
    client.socket.room = Infinity;
    client.connection.drain();
    expect(client.socket.paused).toBe(false);
    expect(client.run('PING')).toBe('+PONG\r\n');
  });

  test('is closed past the hard limit', () => {
    const { client, engine } = backlogged('200000 0 0');
    client.send(get);
    expect(client.socket.ended).toBe(true);
    expect(engine.clients.size).toBe(0);
  });

  test('is closed after too long past the soft limit, but not when it catches up', () => {
    const { client } = backlogged('0 200000 2');
    client.send(get);
    const nowMs = Date.now();
    client.connection.checkOutputLimits(nowMs + 1000);
    expect(client.socket.ended).toBe(false);
    client.socket.room = Infinity;
    client.connection.drain();
    client.socket.room = 1000;
    client.send(get);
    client.connection.checkOutputLimits(Date.now() + 1900);
    expect(client.socket.ended).toBe(false);
    client.connection.checkOutputLimits(Date.now() + 2100);
    expect(client.socket.ended).toBe(true);
  });

  test('is closed when a write shows that it has reset the connection', () => {
    const server = new TestServer();
    const client = server.connect();
    client.socket.broken = true;
    client.run('PING');
    expect(client.socket.ended).toBe(true);
    expect(server.engine.clients.has(client.connection.id)).toBe(false);
    const reader = server.connect();
    reader.socket.room = 2;
    reader.run('PING');
    reader.socket.broken = true;
    reader.connection.drain();
    expect(server.engine.clients.has(reader.connection.id)).toBe(false);
  });

  test('gets its last replies before QUIT closes the connection', async () => {
    const { client } = backlogged('0 0 0');
    client.send(Buffer.concat([get, Buffer.from('QUIT\r\n')]));
    await Promise.resolve();
    expect(client.socket.ended).toBe(false);
    const before = client.socket.output;
    client.socket.output = '';
    client.socket.room = Infinity;
    client.connection.drain();
    expect(before + client.socket.output === `${bigReply}+OK\r\n`).toBe(true);
    expect(client.socket.ended).toBe(true);
  });
});

describe('a parked client', () => {
  test('keeps its input, and is no longer read from when there is much of it', () => {
    const { client } = new TestServer();
    const parked = client.connection.park();
    client.send('ECHO first\r\n');
    expect(client.socket.paused).toBe(false);
    for (let i = 0; i < 5; i++) client.send(encodeRequest(['ECHO', 'x'.repeat(300_000)]));
    expect(client.socket.paused).toBe(true);
    expect(client.socket.output).toBe('');
    parked.resume((reply) => reply.ok());
    expect(client.socket.output).toStartWith('+OK\r\n$5\r\nfirst\r\n$300000\r\n');
    expect(client.socket.output.length).toBe(5 + 11 + 5 * 300_011);
    expect(client.socket.paused).toBe(false);
    expect(client.run('PING')).toBe('+PONG\r\n');
  });

  test('that has left is not answered', () => {
    const { client, engine } = new TestServer();
    const parked = client.connection.park();
    client.connection.onClose();
    parked.resume(() => {
      throw new Error('a reply was written');
    });
    expect(engine.clients.size).toBe(0);
  });
});

test('after a malformed request the error is the last reply, and nothing more is run', async () => {
  const server = new TestServer();
  expect(server.client.send('PING\r\n*1\r\nx\r\nSET k v\r\n')).toBe(
    "+PONG\r\n-ERR Protocol error: expected '$', got 'x'\r\n",
  );
  await Promise.resolve();
  expect(server.client.socket.ended).toBe(true);
  expect(server.client.send('SET k v\r\n')).toBe('');
  expect(server.connect().run('GET', 'k')).toBe('$-1\r\n');
});

describe('a reply that is too large', () => {
  test('is an error instead, and no part of it is sent', () => {
    const server = new TestServer();
    server.run('SET', 'k', 'v'.repeat(100_000));
    server.engine.dispatcher.reply.bytesMax = 3 << 20;
    expect(server.client.send(`PING\r\nMGET ${'k '.repeat(40)}\r\nPING\r\n`)).toBe(
      '+PONG\r\n-ERR reply is too large\r\n+PONG\r\n',
    );
    expect(server.run('STRLEN', 'k')).toBe(':100000\r\n');
  });

  test('ends the client that client-output-buffer-limit would close for it, before it is made', () => {
    const server = new TestServer({
      settings: { 'client-output-buffer-limit': 'normal 1048576 0 0 slave 0 0 0 pubsub 0 0 0' },
    });
    server.run('SET', 'k', 'v'.repeat(1 << 20));
    expect(server.run('MGET', ...Array(15).fill('k'))).toHaveLength(15 * ((1 << 20) + 12) + 5);
    expect(server.run('MGET', ...Array(5000).fill('k'))).toBe('');
    expect(server.client.socket.ended).toBe(true);
    expect(server.connect().run('PING')).toBe('+PONG\r\n');
  });
});

test('HTTP ends the connection before any line of it is run as a command', async () => {
  for (const start of ['POST / HTTP/1.1', 'post /', 'Host: 127.0.0.1:6379']) {
    const server = new TestServer();
    expect(server.client.send(`${start}\r\nSET planted 1\r\n`)).toBe('');
    await Promise.resolve();
    expect(server.client.socket.ended).toBe(true);
    expect(server.connect().run('EXISTS', 'planted')).toBe(':0\r\n');
  }
});
