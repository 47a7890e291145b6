/** A cache in front of something slow, as applications use one: asks for keys, many at a time, and stores what was missed. */
import type { Socket } from 'bun';

export type CacheProtocol = 'resp' | 'memcached';

const DOLLAR = '$'.charCodeAt(0);
const MINUS = '-'.charCodeAt(0);
const LINE_FEED = 10;

export class CacheClient {
  private socket!: Socket<undefined>;
  private unsent: Buffer = Buffer.alloc(0);
  private received: Buffer = Buffer.alloc(0);
  private onData: () => void = () => {};
  private failure = '';
  private readonly protocol: CacheProtocol;
  private readonly value: string;

  private constructor(protocol: CacheProtocol, valueBytes: number) {
    this.protocol = protocol;
    this.value = 'v'.repeat(valueBytes);
  }

  static async open(port: number, protocol: CacheProtocol, valueBytes: number): Promise<CacheClient> {
    const client = new CacheClient(protocol, valueBytes);
    client.socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_socket, bytes) => {
          client.received = Buffer.concat([client.received, bytes]);
          client.onData();
        },
        drain: () => client.flush(),
        close: () => client.fail('the server closed the connection'),
      },
    });
    return client;
  }

  close(): void {
    this.socket.end();
  }

  /** Asks for the keys and stores those that are not there. Returns how many were. */
  async replay(keys: Int32Array): Promise<number> {
    const isResp = this.protocol === 'resp';
    this.send([...keys].map((key) => (isResp ? `GET ${nameOf(key)}\r\n` : `get ${nameOf(key)}\r\n`)));
    const hits: boolean[] = [];
    await this.until(() => this.readGets(hits, keys.length));
    const missed = [...new Set(keys.filter((_, index) => !hits[index]))];
    if (missed.length > 0) {
      this.send(missed.map((key) => this.storeRequest(nameOf(key))));
      let stored = 0;
      await this.until(() => (stored += this.readStores()) >= missed.length);
    }
    return hits.filter(Boolean).length;
  }

  private storeRequest(name: string): string {
    const { value } = this;
    return this.protocol === 'resp'
      ? `SET ${name} ${value}\r\n`
      : `set ${name} 0 0 ${value.length}\r\n${value}\r\n`;
  }

  private send(requests: readonly string[]): void {
    this.unsent = Buffer.from(requests.join(''));
    this.flush();
  }

  private flush(): void {
    this.unsent = this.unsent.subarray(Math.max(this.socket.write(this.unsent), 0));
  }

  private until(isDone: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.onData = () => {
        if (this.failure !== '') reject(new Error(this.failure));
        else if (isDone()) resolve();
      };
    });
  }

  private fail(reason: string): void {
    this.failure = reason;
    this.onData();
  }

  /** Takes the replies to GETs that are whole. True once there are `count`. */
  private readGets(hits: boolean[], count: number): boolean {
    let at = 0;
    while (hits.length < count) {
      const lineEnd = this.received.indexOf(LINE_FEED, at);
      if (lineEnd < 0) break;
      const isHit =
        this.protocol === 'resp'
          ? this.received[at] === DOLLAR && this.received[at + 1] !== MINUS
          : this.received[at] === 'V'.charCodeAt(0);
      const trailer = this.protocol === 'resp' ? 2 : '\r\nEND\r\n'.length;
      const end = lineEnd + 1 + (isHit ? this.value.length + trailer : 0);
      if (end > this.received.length) break;
      hits.push(isHit);
      at = end;
    }
    this.received = this.received.subarray(at);
    return hits.length === count;
  }

  /** Takes the replies to stores that are whole, and counts them. */
  private readStores(): number {
    let at = 0;
    let count = 0;
    for (;;) {
      const lineEnd = this.received.indexOf(LINE_FEED, at);
      if (lineEnd < 0) break;
      const line = this.received.toString('latin1', at, lineEnd - 1);
      if (line !== '+OK' && line !== 'STORED') this.fail(`a store was answered with ${line}`);
      at = lineEnd + 1;
      count++;
    }
    this.received = this.received.subarray(at);
    return count;
  }
}

function nameOf(key: number): string {
  return `object:${String(key).padStart(9, '0')}`;
}
