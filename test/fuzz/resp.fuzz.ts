/** Bytes that no client should send, to a server in this process: it may refuse them and close, and must go on serving
 *  others, with its data sound. Well-formed requests among them must get exactly their replies. */

import { Prng } from '../support/prng.ts';
import { encodeRequest, type TestClient, TestServer } from '../support/test-server.ts';

const VERIFY_EVERY = 200;
const PIECES: readonly ((random: Prng) => string)[] = [
  (random) => String.fromCharCode(random.below(256)),
  (random) => '*$-+:\r\n\0"\' 0123456789'[random.below(21)]!,
  () => '\r\n',
  () => '*3\r\n$3\r\nSET\r\n',
  () => '*2\r\n$3\r\nGET\r\n',
  (random) => `*${random.below(5) - 1}\r\n`,
  (random) => `$${random.below(12) - 1}\r\n`,
  (random) => `$${2 ** random.below(40)}\r\n`,
  (random) => `*${2 ** random.below(40)}\r\n`,
  (random) => `key${random.below(20)}\r\n`,
  () => 'PING\r\n',
  () => 'SET a "b\\x00c" \r\n',
  () => 'x'.repeat(1000),
];

/** A request and what it must be answered with. */
function soundRequest(random: Prng): { bytes: Buffer; reply: string } {
  // Now and then so long that it takes several reads and a reader of its own.
  const byteCount = random.below(random.below(100) === 0 ? 800_000 : 300);
  const value = String.fromCharCode(random.below(128)).repeat(byteCount);
  switch (random.below(3)) {
    case 0:
      return { bytes: encodeRequest(['PING']), reply: '+PONG\r\n' };
    case 1:
      return { bytes: encodeRequest(['PING', value]), reply: `$${value.length}\r\n${value}\r\n` };
    default:
      return { bytes: encodeRequest(['SET', `own${random.below(50)}`, value]), reply: '+OK\r\n' };
  }
}

export class RespFuzz {
  readonly server = new TestServer({ shardCount: 1, shardBytes: 64 << 20 });
  closedCount = 0;
  private readonly random: Prng;
  private client: TestClient;

  constructor(seed: number) {
    this.random = new Prng(seed);
    this.client = this.server.connect();
  }

  run(operationCount: number): void {
    for (let operation = 0; operation < operationCount; operation++) {
      if (this.random.below(4) === 0) this.sendSound();
      else this.sendNoise();
      if (operation % VERIFY_EVERY === 0) this.server.verify();
    }
    this.server.verify();
  }

  /** Noise in random pieces on one connection, until the server closes it or some pieces were sent. */
  private sendNoise(): void {
    const { random } = this;
    const client = this.client;
    for (let piece = random.below(10); piece >= 0 && !client.socket.ended; piece--) {
      let bytes = '';
      for (let i = random.below(6); i >= 0; i--) bytes += PIECES[random.below(PIECES.length)]!(random);
      this.checkReplies(client.send(bytes));
    }
    // The end comes behind the replies, when the event loop turns; a refusal says as much at once.
    if (client.socket.output.includes('-ERR Protocol error')) this.closedCount++;
    this.leave();
    if (this.client.run('PING') !== '+PONG\r\n') throw new Error('a new connection is not served');
  }

  private leave(): void {
    this.client.connection.onClose();
    this.client = this.server.connect();
  }

  /** Replies are whole lines of known types. */
  private checkReplies(output: string): void {
    if (output !== '' && !output.endsWith('\r\n')) throw new Error('a reply is cut off');
    if (output !== '' && !'+-:$*'.includes(output[0]!))
      throw new Error(`no reply: ${JSON.stringify(output)}`);
  }

  /** A pipeline of sound requests, cut anywhere, must be answered as if it had come in one. */
  private sendSound(): void {
    const { random } = this;
    const requests = Array.from({ length: 1 + random.below(60) }, () => soundRequest(random));
    const bytes = Buffer.concat(requests.map((request) => request.bytes));
    let output = '';
    for (let at = 0; at < bytes.length;) {
      const end = random.below(3) === 0 ? bytes.length : at + 1 + random.below(bytes.length - at);
      output += this.client.send(bytes.subarray(at, end));
      at = end;
    }
    const wanted = requests.map(({ reply }) => reply).join('');
    if (output !== wanted) throw new Error(`sound requests get ${JSON.stringify(output.slice(0, 300))}`);
  }
}

export function fuzzResp(seed: number, operationCount: number): void {
  new RespFuzz(seed).run(operationCount);
}
