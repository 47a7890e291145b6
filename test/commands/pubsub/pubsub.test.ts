import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { type TestClient, TestServer } from '../../support/test-server.ts';

let server: TestServer;
beforeEach(() => {
  server = new TestServer();
});
afterEach(() => server.verify());

function resp3(): TestClient {
  const client = server.connect();
  client.run('HELLO', 3);
  return client;
}

/** What `client` was sent since it was last looked at. */
function sentTo(client: TestClient): string {
  const { output } = client.socket;
  client.socket.output = '';
  return output;
}

describe('listening', () => {
  test('a message reaches every listener once, and the publisher hears how many they are', () => {
    const listeners = [server.connect(), resp3(), server.connect()];
    for (const listener of listeners) listener.run('SUBSCRIBE', 'news', 'news');
    server.connect().run('SUBSCRIBE', 'other');
    for (const listener of listeners) sentTo(listener);
    expect(server.run('PUBLISH', 'news', 'hi')).toBe(':3\r\n');
    expect(listeners.map(sentTo)).toEqual([
      '*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n',
      '>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n',
      '*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n',
    ]);
    expect(server.run('PUBLISH', 'nobody', 'hi')).toBe(':0\r\n');
  });

  test('names and messages are bytes, of any length', () => {
    const listener = server.connect();
    const name = Buffer.from([0, 13, 10, 255, 128]);
    const message = Buffer.alloc(100_000, 'x\r\n\0\xff', 'latin1');
    listener.run('SUBSCRIBE', name);
    sentTo(listener);
    expect(server.run('PUBLISH', name, message)).toBe(':1\r\n');
    expect(sentTo(listener)).toBe(
      `*3\r\n$7\r\nmessage\r\n$5\r\n${name.toString('latin1')}\r\n$100000\r\n${message.toString('latin1')}\r\n`,
    );
    listener.run('SUBSCRIBE', '');
    sentTo(listener);
    expect(server.run('PUBLISH', '', '')).toBe(':1\r\n');
    expect(sentTo(listener)).toBe('*3\r\n$7\r\nmessage\r\n$0\r\n\r\n$0\r\n\r\n');
  });

  test('each pattern that matches brings the message once more', () => {
    const listener = resp3();
    listener.run('PSUBSCRIBE', 'n*', '?ews', 'x');
    listener.run('SUBSCRIBE', 'news');
    sentTo(listener);
    expect(server.run('PUBLISH', 'news', '1')).toBe(':3\r\n');
    expect(sentTo(listener)).toBe(
      '>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\n1\r\n' +
        '>4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$1\r\n1\r\n' +
        '>4\r\n$8\r\npmessage\r\n$4\r\n?ews\r\n$4\r\nnews\r\n$1\r\n1\r\n',
    );
    listener.run('PUNSUBSCRIBE', 'n*');
    expect(server.run('PUBLISH', 'news', '1')).toBe(':2\r\n');
  });

  test('shard channels are apart from channels and patterns', () => {
    const listener = resp3();
    listener.run('SSUBSCRIBE', 'news');
    listener.run('PSUBSCRIBE', '*');
    sentTo(listener);
    expect(server.run('SPUBLISH', 'news', '1')).toBe(':1\r\n');
    expect(sentTo(listener)).toBe('>3\r\n$8\r\nsmessage\r\n$4\r\nnews\r\n$1\r\n1\r\n');
    expect(server.run('PUBLISH', 'news', '1')).toBe(':1\r\n');
  });

  test('confirmations count channels and patterns together', () => {
    const client = server.connect();
    expect(client.run('SUBSCRIBE', 'a', 'b')).toBe(
      '*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n',
    );
    expect(client.run('PSUBSCRIBE', 'p')).toBe('*3\r\n$10\r\npsubscribe\r\n$1\r\np\r\n:3\r\n');
    expect(client.run('SSUBSCRIBE', 's')).toBe('*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n');
    expect(client.run('UNSUBSCRIBE')).toBe(
      '*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n',
    );
    expect(client.run('UNSUBSCRIBE')).toBe('*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:1\r\n');
    expect(client.run('UNSUBSCRIBE', 'never')).toBe('*3\r\n$11\r\nunsubscribe\r\n$5\r\nnever\r\n:1\r\n');
    expect(client.run('SUNSUBSCRIBE')).toBe('*3\r\n$12\r\nsunsubscribe\r\n$1\r\ns\r\n:0\r\n');
  });
});

describe('a subscribed client', () => {
  test('may ask for little in RESP2, until it listens to nothing', () => {
    const client = server.connect();
    client.run('SUBSCRIBE', 'a');
    expect(client.run('GET', 'x')).toBe(
      "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n",
    );
    expect(client.run('CLIENT', 'ID')).toStartWith("-ERR Can't execute 'client|id'");
    expect(client.run('PING')).toBe('*2\r\n$4\r\npong\r\n$0\r\n\r\n');
    expect(client.run('PING', 'you')).toBe('*2\r\n$4\r\npong\r\n$3\r\nyou\r\n');
    client.run('UNSUBSCRIBE');
    expect(client.run('GET', 'x')).toBe('$-1\r\n');
  });

  test('may ask for anything in RESP3', () => {
    const client = resp3();
    client.run('SUBSCRIBE', 'a');
    expect(client.run('GET', 'x')).toBe('_\r\n');
    expect(client.run('PING')).toBe('+PONG\r\n');
    client.run('HELLO', 2);
    expect(client.run('GET', 'x')).toStartWith("-ERR Can't execute");
  });

  test('listens to nothing after RESET, after QUIT, and when it has left', () => {
    const clients = [server.connect(), server.connect(), server.connect()];
    for (const client of clients) client.run('SUBSCRIBE', 'a');
    expect(clients[0]!.run('RESET')).toBe('+RESET\r\n');
    expect(server.run('PUBLISH', 'a', '1')).toBe(':2\r\n');
    clients[1]!.connection.close();
    expect(server.run('PUBLISH', 'a', '1')).toBe(':1\r\n');
    clients[2]!.connection.onClose();
    expect(server.run('PUBLISH', 'a', '1')).toBe(':0\r\n');
    expect(server.run('PUBSUB', 'CHANNELS')).toBe('*0\r\n');
    expect(server.engine.info(['clients'])).toContain('pubsub_clients:0\r\n');
  });

  test('hears itself before the reply, also with replies off', () => {
    const client = resp3();
    client.run('SUBSCRIBE', 'a');
    expect(client.run('PUBLISH', 'a', '1')).toBe('>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n:1\r\n');
    client.run('CLIENT', 'REPLY', 'OFF');
    expect(client.run('SUBSCRIBE', 'b')).toBe('>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n');
    expect(client.run('PUBLISH', 'a', '2')).toBe('>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n2\r\n');
    expect(client.run('PING')).toBe('');
  });

  test('gets messages in order with its replies, whoever is served', () => {
    const client = resp3();
    client.run('SUBSCRIBE', 'a');
    // Replies are kept together, as when many sockets are readable at once.
    server.engine.outbox.schedule = () => {};
    const other = server.connect();
    for (let i = 0; i < 200; i++) (i % 2 === 0 ? client : other).run('PING');
    server.engine.outbox.flush();
    sentTo(client);
    client.connection.receive(Buffer.from('PING\r\n'));
    other.connection.receive(Buffer.from('PUBLISH a 1\r\nPUBLISH a 2\r\n'));
    client.connection.receive(Buffer.from('ECHO x\r\n'));
    server.engine.outbox.flush();
    const message = (text: string) => `>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n${text}\r\n`;
    expect(sentTo(client)).toBe(`+PONG\r\n${message('1')}${message('2')}$1\r\nx\r\n`);
  });

  test('gets messages while it waits for data', () => {
    const client = resp3();
    client.run('SUBSCRIBE', 'a');
    client.run('BLPOP', 'list', 0);
    sentTo(client);
    server.run('PUBLISH', 'a', '1');
    expect(sentTo(client)).toBe('>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n');
  });

  test('is told of in CLIENT LIST and INFO', () => {
    const client = resp3();
    client.run('SUBSCRIBE', 'a', 'b');
    client.run('PSUBSCRIBE', 'p');
    client.run('SSUBSCRIBE', 's');
    expect(client.run('CLIENT', 'INFO')).toContain('flags=P db=0 sub=2 psub=1 ssub=1 ');
    const stats = server.engine.info(['stats']);
    expect(stats).toContain('pubsub_channels:2\r\npubsub_patterns:1\r\npubsubshard_channels:1\r\n');
    expect(server.engine.info(['clients'])).toContain('pubsub_clients:1\r\n');
  });
});

describe('a slow subscriber', () => {
  test('keeps what it does not take, in order, up to its limit', () => {
    const client = server.connect();
    client.run('SUBSCRIBE', 'a');
    sentTo(client);
    client.socket.room = 10;
    let expected = '';
    for (let i = 0; i < 3000; i++) {
      const text = 'm'.repeat(i % 7 === 0 ? 5000 : i % 50) + i;
      server.run('PUBLISH', 'a', text);
      expected += `*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$${text.length}\r\n${text}\r\n`;
    }
    client.socket.room = Infinity;
    client.connection.drain();
    expect(sentTo(client) === expected).toBe(true);
    server.run('PUBLISH', 'a', 'x');
    expect(sentTo(client)).toBe('*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n');
  });

  test('is cut at its limit, and nobody else notices', () => {
    server = new TestServer({
      settings: { 'client-output-buffer-limit': 'normal 0 0 0 slave 0 0 0 pubsub 100000 0 0' },
    });
    const slow = server.connect();
    const quick = server.connect();
    slow.run('SUBSCRIBE', 'a');
    quick.run('SUBSCRIBE', 'a');
    slow.socket.room = 0;
    let sent = 0;
    while (!slow.connection.closed && sent < 1000) {
      sentTo(quick);
      expect(server.run('PUBLISH', 'a', 'x'.repeat(1000))).toBe(':2\r\n');
      expect(sentTo(quick)).toContain('x'.repeat(1000));
      sent++;
    }
    expect(sent).toBeGreaterThan(90);
    expect(sent).toBeLessThan(110);
    expect(server.run('PUBLISH', 'a', 'x')).toBe(':1\r\n');
  });

  test('is cut while one read publishes more than it may be owed', () => {
    server = new TestServer({
      settings: { 'client-output-buffer-limit': 'normal 0 0 0 slave 0 0 0 pubsub 10000 0 0' },
    });
    const slow = server.connect();
    slow.run('SUBSCRIBE', 'a');
    expect(server.client.send(`PUBLISH a ${'x'.repeat(1000)}\r\n`.repeat(20))).toBe(':1\r\n'.repeat(20));
    expect(slow.connection.closed).toBe(true);
  });
});

describe('notify-keyspace-events', () => {
  test('tells of keys whose time has come, in the database that they are in', () => {
    server = new TestServer({ settings: { 'notify-keyspace-events': 'KEx' } });
    const listener = resp3();
    listener.run('PSUBSCRIBE', '__key*');
    const { keyspace, dispatcher } = server.engine;
    server.run('SELECT', '3');
    server.run('SET', 'k', 'v', 'PX', '10');
    dispatcher.beginRead = () => keyspace.setTime(Date.now() + 100);
    sentTo(listener);
    expect(server.run('GET', 'k')).toBe('$-1\r\n');
    expect(sentTo(listener)).toBe(
      '>4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$16\r\n__keyspace@3__:k\r\n$7\r\nexpired\r\n' +
        '>4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$22\r\n__keyevent@3__:expired\r\n$1\r\nk\r\n',
    );
    server.run('SET', 'k', 'v');
    server.run('DEL', 'k');
    expect(sentTo(listener)).toBe('');
  });
});

describe('PUBSUB', () => {
  test('tells who listens to what', () => {
    const client = server.connect();
    client.run('SUBSCRIBE', 'a', 'bb');
    client.run('SSUBSCRIBE', 's');
    client.run('PSUBSCRIBE', 'p*');
    expect(server.run('PUBSUB', 'NUMSUB', 'a', 'p*', 's')).toBe(
      '*6\r\n$1\r\na\r\n:1\r\n$2\r\np*\r\n:0\r\n$1\r\ns\r\n:0\r\n',
    );
    expect(server.run('PUBSUB', 'CHANNELS', 'b?')).toBe('*1\r\n$2\r\nbb\r\n');
    expect(server.run('PUBSUB', 'SHARDCHANNELS')).toBe('*1\r\n$1\r\ns\r\n');
    expect(server.run('PUBSUB', 'SHARDNUMSUB', 's')).toBe('*2\r\n$1\r\ns\r\n:1\r\n');
    expect(server.run('PUBSUB', 'NUMPAT')).toBe(':1\r\n');
    expect(server.run('PUBSUB', 'CHANNELS', 'a', 'b')).toBe(
      "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.\r\n",
    );
    expect(server.run('PUBSUB', 'HELP')).toStartWith('*13\r\n+PUBSUB <subcommand>');
  });
});
