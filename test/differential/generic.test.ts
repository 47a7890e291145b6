/** Random generic and database commands, sent to our server and to redis-server: every reply must be the same bytes. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Prng } from '../../src/base/prng.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { encodeRequest, TestServer } from '../support/test-server.ts';

const COMMAND_COUNT = 20_000;
const BATCH = 500;
/** Most that the servers' clocks may differ. */
const CLOCK_MS_MAX = 3000;

/** Position behind the reply that begins at `at`. */
function replyEnd(text: string, at: number): number {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return -1;
  const count = Number(text.slice(at + 1, lineEnd));
  let end = lineEnd + 2;
  if (text[at] === '$') return count < 0 ? end : end + count + 2;
  if (text[at] !== '*' || count < 0) return end;
  for (let i = 0; i < count && end >= 0; i++) end = replyEnd(text, end);
  return end;
}

/** redis-server by raw bytes. */
class OracleClient {
  private readonly socket: Bun.Socket;
  private text = '';
  private wake: () => void = () => {};

  private constructor(socket: Bun.Socket) {
    this.socket = socket;
  }

  static async connect(port: number): Promise<OracleClient> {
    let client: OracleClient | null = null;
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data(_socket, bytes) {
          client!.text += bytes.toString('latin1');
          client!.wake();
        },
      },
    });
    client = new OracleClient(socket);
    return client;
  }

  /** Sends requests and returns their replies. */
  async run(requests: readonly (readonly string[])[]): Promise<string[]> {
    this.text = '';
    const bytes = Buffer.concat(requests.map((parts) => encodeRequest(parts)));
    if (this.socket.write(bytes) !== bytes.length) throw new Error('a batch must fit into the socket');
    const replies: string[] = [];
    let at = 0;
    while (replies.length < requests.length) {
      const end = at < this.text.length ? replyEnd(this.text, at) : -1;
      if (end >= 0 && end <= this.text.length) {
        replies.push(this.text.slice(at, end));
        at = end;
      } else {
        const length = this.text.length;
        await new Promise<void>((resolve) => {
          this.wake = resolve;
          if (this.text.length !== length) resolve();
        });
      }
    }
    return replies;
  }

  close(): void {
    this.socket.end();
  }
}

const KEYS = ['', 'a', 'b', 'key', '{tag}1', '{tag}2', 'ключ', 'with space', 'x'.repeat(100), '0'];
const VALUES = [
  '',
  '0',
  '12',
  '-7',
  '9223372036854775807',
  '9223372036854775808',
  'v',
  'y'.repeat(44),
  'z'.repeat(45),
];
/** Wrong times, and times that are past for every command. None beyond 2^53 ms, where ours ends. */
const TIMES = ['0', '-1', 'x', '', '1.5', '9223372036854775808', '-9223372036854775808'];
const OPTIONS = ['NX', 'XX', 'GT', 'LT', 'gt', 'REPLACE', 'DB', '1', '99', 'foo', 'ASYNC'];
const DATABASES = ['0', '1', '2', '3', '16', '-1', 'x', '2147483648', '99999999999999999999'];
const PATTERNS = ['*', '**', 'k*', '[a-b]', '?', '\\*', '', 'кл*', '{tag}?', '[^a]*'];

class Generator {
  private readonly prng: Prng;
  /** Times far enough ahead that both servers see them in the same second. */
  private readonly baseS = Math.floor(Date.now() / 1000) + 10_000;

  private fromNow = 0;

  constructor(seed: number) {
    this.prng = new Prng(seed);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.prng.below(from.length)]!;
  }

  private some(from: readonly string[], countMax: number): string[] {
    return Array.from({ length: this.prng.below(countMax + 1) }, () => this.pick(from));
  }

  private time(command: string): string {
    if (this.prng.below(3) === 0) return this.pick(TIMES);
    // No time from now is used twice, lest the servers' clocks decide which of two is the later.
    const step = command.includes('AT') ? this.prng.below(100) : (this.fromNow++ * 37) % 5000;
    const seconds = step * 100 + (command.includes('AT') ? this.baseS : 10_050);
    return String(command.startsWith('P') ? seconds * 1000 : seconds);
  }

  next(): string[] {
    const key = (): string => this.pick(KEYS);
    const expire = this.pick(['EXPIREAT', 'PEXPIREAT', 'EXPIREAT', 'PEXPIREAT', 'EXPIRE', 'PEXPIRE']);
    return this.pick<() => string[]>([
      () => ['SET', key(), this.pick(VALUES)],
      () => ['SET', key(), this.pick(VALUES)],
      () => ['SET', key(), this.pick(VALUES)],
      () => [this.pick(['DEL', 'UNLINK', 'EXISTS', 'TOUCH']), key(), ...this.some(KEYS, 3)],
      () => ['TYPE', key()],
      () => [expire, key(), this.time(expire), ...this.some(OPTIONS, 2)],
      () => [expire, key(), this.time(expire)],
      () => [this.pick(['EXPIRETIME', 'PEXPIRETIME', 'TTL', 'PTTL', 'PERSIST']), key()],
      () => [this.pick(['EXPIRETIME', 'TTL', 'PERSIST', 'GET']), key()],
      () => [this.pick(['RENAME', 'RENAMENX']), key(), key()],
      () => ['COPY', key(), key(), ...this.some(OPTIONS, 3)],
      () => ['COPY', key(), key(), 'DB', this.pick(DATABASES), ...this.some(['REPLACE'], 1)],
      () => ['MOVE', key(), this.pick(DATABASES)],
      () => ['OBJECT', this.pick(['ENCODING', 'FREQ', 'HELP', 'foo']), ...this.some(KEYS, 1)],
      () => ['KEYS', this.pick(PATTERNS)],
      () => [
        'SCAN',
        '0',
        'COUNT',
        '1000',
        ...this.some(['MATCH', 'TYPE', 'COUNT', 'string', 'k*', 'x', '0', '*', '**'], 4),
      ],
      () => ['SCAN', this.pick(['x', '-', '18446744073709551616', ' 1', '', '00']), 'COUNT', '1000'],
      () => ['SWAPDB', this.pick(DATABASES), this.pick(DATABASES)],
      () => ['DBSIZE'],
      () => ['SELECT', this.pick(['0', '1', '2', '3'])],
      () => [
        this.prng.below(10) === 0 ? this.pick(['FLUSHDB', 'FLUSHALL']) : 'DBSIZE',
        ...this.some(OPTIONS, 1),
      ],
      () => [
        this.pick(['TTL', 'KEYS', 'MOVE', 'COPY', 'SCAN', 'RENAME', 'OBJECT', 'EXPIRE', 'DBSIZE', 'SWAPDB']),
      ],
    ])();
  }
}

/** A reply in which the order of keys does not matter, made comparable. */
function comparable(parts: readonly string[], reply: string): string {
  const [name] = parts;
  if (name === 'KEYS' || name === 'SCAN') {
    const strings = reply
      .slice(0, -2)
      .split(/\r\n(?=\$|\*)/)
      .toSorted();
    return strings.join('|').replaceAll('\r\n', '~');
  }
  return reply;
}

/** Whether both are times, so near each other that the servers' clocks explain it. */
function isSameTime(parts: readonly string[], a: string, b: string): boolean {
  if (!/^P?(TTL|EXPIRETIME)$/.test(parts[0]!) || !a.startsWith(':') || !b.startsWith(':')) return false;
  const differenceMs =
    Math.abs(Number(a.slice(1)) - Number(b.slice(1))) * (parts[0]!.startsWith('P') ? 1 : 1000);
  return Math.min(Number(a.slice(1)), Number(b.slice(1))) > 0 && differenceMs <= CLOCK_MS_MAX;
}

describe.skipIf(isOracleMissing('redis-server'))('generic commands answer as redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  for (const version of [2, 3] as const) {
    test(`over ${COMMAND_COUNT} random commands in RESP${version}`, async () => {
      const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
      console.log(`seed ${seed}`);
      const generator = new Generator(seed);
      const server = new TestServer();
      const theirs = await OracleClient.connect(oracle.port);
      await theirs.run([['FLUSHALL']]);
      if (version === 3)
        await theirs.run([
          ['HELLO', '3'],
          ['SELECT', '0'],
        ]);
      server.client.connection.version = version;
      for (let done = 0; done < COMMAND_COUNT; done += BATCH) {
        const requests = Array.from({ length: BATCH }, () => generator.next());
        const expected = await theirs.run(requests);
        requests.forEach((parts, index) => {
          const reply = runOurs(server, parts);
          if (isSameTime(parts, reply, expected[index]!)) return;
          const context = `seed ${seed}, command ${done + index}: ${JSON.stringify(parts)}\n`;
          expect(context + comparable(parts, reply)).toBe(context + comparable(parts, expected[index]!));
        });
      }
      server.verify();
      theirs.close();
    }, 60_000);
  }
});

function runOurs(server: TestServer, parts: readonly string[]): string {
  if (parts[0] !== 'SELECT' || parts.length !== 2) return server.run(...parts);
  server.client.connection.database = Number(parts[1]);
  return '+OK\r\n';
}
