/** Replies of several clients that are sent together: whose, in which order, and when. */
import { describe, expect, test } from 'bun:test';
import { RespWriter } from '../../src/protocol/resp-writer.ts';
import { Outbox, type Sender } from '../../src/server/clients/outbox.ts';
import { Prng } from '../support/prng.ts';
import { type TestClient, TestServer } from '../support/test-server.ts';

/** A window of reads is decided upon after so many. */
const WINDOW_READS = 64;

class Harness {
  readonly reply = new RespWriter(4096);
  readonly outbox = new Outbox(this.reply, () => {});
  readonly sent: string[] = [];
  private readonly due: (() => void)[] = [];

  constructor() {
    this.outbox.schedule = (run) => this.due.push(run);
  }

  sender(id: number): Sender {
    return {
      id,
      send: (from, to) => {
        this.sent.push(`${id}:${this.reply.bytes.u8.toString('latin1', from, to)}`);
        return true;
      },
    };
  }

  /** A read of client `id` that is answered `text`. */
  serve(id: number, text: string, nowMs = 0): void {
    this.reply.raw(Buffer.from(text));
    this.outbox.finish(this.sender(id), nowMs);
  }

  endTurn(): void {
    for (const run of this.due.splice(0)) run();
  }

  /** So many clients, a read each in one turn, that their replies are gathered from now on. */
  crowd(): void {
    for (let id = 1; id <= WINDOW_READS; id++) this.serve(id, 'x');
    expect(this.sent.length).toBe(WINDOW_READS - 1);
    this.endTurn();
    this.sent.length = 0;
  }
}

describe('gathering', () => {
  test('a lone client has its reply at once, however much it asks', () => {
    const harness = new Harness();
    for (let i = 0; i < 1000; i++) {
      harness.serve(7, `${i}`);
      expect(harness.sent.at(-1)).toBe(`7:${i}`);
    }
  });

  test('whoever is served, what others are told goes out once a turn, behind the replies', () => {
    const harness = new Harness();
    const { outbox } = harness;
    let deliveries = 0;
    outbox.whenSent = () => {
      if (!outbox.hasDeliveries) return;
      outbox.hasDeliveries = false;
      harness.sent.push(`told ${deliveries}`);
    };
    for (const id of [1, 2, 3]) {
      deliveries++;
      outbox.hasDeliveries = true;
      harness.serve(id, `${id}`);
    }
    expect(harness.sent).toEqual([]);
    harness.endTurn();
    expect(harness.sent).toEqual(['1:1', '2:2', '3:3', 'told 3']);
    // Also when there is no reply, and never for long.
    outbox.hasDeliveries = true;
    outbox.finish(harness.sender(4), 1000);
    outbox.flushOld(1001);
    expect(harness.sent.length).toBe(4);
    outbox.flushOld(1002);
    expect(harness.sent.at(-1)).toBe('told 3');
  });

  test('replies of many clients wait for the end of the turn and are then sent in order', () => {
    const harness = new Harness();
    harness.crowd();
    harness.serve(1, 'a');
    harness.serve(2, 'bb');
    harness.serve(3, '');
    harness.serve(1, 'c');
    expect(harness.sent).toEqual([]);
    harness.endTurn();
    expect(harness.sent).toEqual(['1:a', '2:bb', '1:c']);
    expect(harness.reply.at).toBe(0);
    harness.serve(1, 'd');
    harness.endTurn();
    expect(harness.sent.at(-1)).toBe('1:d');
  });

  test('ends when turns bring one reply each, and is tried again much later', () => {
    const harness = new Harness();
    harness.crowd();
    for (let i = 0; i < WINDOW_READS; i++) {
      harness.serve(1 + (i % 2), 'x');
      harness.endTurn();
    }
    let atOnce = 0;
    for (let i = 0; i < 1000; i++) {
      harness.sent.length = 0;
      harness.serve(1 + (i % 2), 'x');
      atOnce += harness.sent.length;
      harness.endTurn();
    }
    expect(atOnce).toBe(1000);
    for (let i = 0; i < 2 * WINDOW_READS; i++) harness.serve(i, 'x');
    expect(harness.sent.length).toBeLessThan(2 * WINDOW_READS);
  });

  test('what has waited for two milliseconds is sent before the next client is served', () => {
    const harness = new Harness();
    harness.crowd();
    harness.serve(1, 'a', 1000);
    harness.outbox.flushOld(1001);
    expect(harness.sent).toEqual([]);
    harness.outbox.flushOld(1002);
    expect(harness.sent).toEqual(['1:a']);
  });

  test('what waits can be sent while a reply is being written, which stays', () => {
    const harness = new Harness();
    harness.crowd();
    harness.serve(1, 'a');
    harness.reply.raw(Buffer.from('half'));
    harness.outbox.flush();
    expect(harness.sent).toEqual(['1:a']);
    harness.serve(2, ' and half');
    harness.endTurn();
    expect(harness.sent).toEqual(['1:a', '2:half and half']);
    expect(harness.reply.at).toBe(0);
  });
});

describe('connections whose replies wait', () => {
  function crowdedServer() {
    const server = new TestServer();
    const due: (() => void)[] = [];
    server.engine.outbox.schedule = (run) => due.push(run);
    const crowd = Array.from({ length: WINDOW_READS }, () => server.connect());
    const endTurn = (): void => {
      for (const run of due.splice(0)) run();
    };
    for (const client of crowd) client.run('PING');
    endTurn();
    return { crowd, endTurn };
  }

  test('a client that ends its half, is closed or killed gets what it was answered', () => {
    const { crowd, endTurn } = crowdedServer();
    const [a, b, c, d] = crowd as [TestClient, TestClient, TestClient, TestClient];
    expect(a.run('ECHO', 'a') + b.run('ECHO', 'b') + c.run('ECHO', 'c')).toBe('');
    a.connection.onEnd();
    expect([a.socket.output, a.socket.ended]).toEqual(['$1\r\na\r\n', true]);
    b.run('ECHO', 'B');
    b.connection.close();
    expect([b.socket.output, b.socket.ended]).toEqual(['$1\r\nB\r\n', true]);
    c.run('ECHO', 'C');
    d.run('CLIENT', 'KILL', 'ID', c.connection.id);
    endTurn();
    expect(c.socket.output).toBe('$1\r\nC\r\n');
  });

  test('a client that does not take its replies holds up none of the others', () => {
    const { crowd, endTurn } = crowdedServer();
    const [slow, other] = crowd as [TestClient, TestClient];
    slow.socket.room = 3;
    slow.run('ECHO', 'one');
    other.run('ECHO', 'x');
    slow.run('ECHO', 'two');
    endTurn();
    expect(other.socket.output).toBe('$1\r\nx\r\n');
    expect(slow.connection.outputBytes).toBe(2 * 9 - 3);
    slow.socket.room = Infinity;
    slow.connection.drain();
    expect(slow.socket.output).toBe('$3\r\none\r\n$3\r\ntwo\r\n');
    expect(slow.connection.outputBytes).toBe(0);
  });

  test('every client gets its own replies in order, whatever the turns', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
    const prng = new Prng(seed);
    const { crowd, endTurn } = crowdedServer();
    const logs = crowd.map((client) => {
      const log = { expected: '', got: '' };
      const write = client.socket.write.bind(client.socket);
      client.socket.write = (data, at = 0, byteCount = 0) => {
        client.socket.output = '';
        const taken = write(data, at, byteCount);
        log.got += client.socket.output;
        return taken;
      };
      return log;
    });
    for (let i = 0; i < 5000; i++) {
      const index = prng.below(crowd.length);
      const text = `${i}`.repeat(prng.below(100) === 0 ? 10_000 : 1 + prng.below(20));
      crowd[index]!.run('ECHO', text);
      logs[index]!.expected += `$${text.length}\r\n${text}\r\n`;
      if (prng.below(20) === 0) endTurn();
    }
    endTurn();
    const wrong = logs.findIndex(({ expected, got }) => expected !== got);
    if (wrong >= 0) throw new Error(`seed ${seed}: replies of client ${wrong}`);
  });
});
