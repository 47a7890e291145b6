/** One connection for single questions: counts, INFO, and commands that are timed one by one. */

import { connect, type Socket } from 'node:net';

/** Bytes that the line of a reply may have. */
const LINE_BYTES_MAX = 128;

export class Control {
  private readonly socket: Socket;
  private chunks: Buffer[] = [];
  private byteCount = 0;
  private onData: () => void = () => {};
  private onFailure: (error: Error) => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.byteCount += chunk.length;
      this.onData();
    });
    socket.on('error', (error) => this.onFailure(error));
    socket.on('close', () => this.onFailure(new Error('the server closed the connection')));
  }

  static open(port: number): Promise<Control> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(new Control(socket)));
      socket.once('error', reject);
    });
  }

  close(): void {
    this.onFailure = () => {};
    this.socket.destroy();
  }

  /** The reply as text: a line without its type byte, or a bulk string's content. Throws on an error reply. */
  async ask(...parts: readonly string[]): Promise<string> {
    const reply = await this.send(parts, () => isWhole(Buffer.concat(this.chunks)));
    const text = reply.toString('latin1');
    if (text.startsWith('-')) throw new Error(`${parts.join(' ')}: ${text.trim()}`);
    const lineEnd = text.indexOf('\r\n');
    return text.startsWith('$') ? text.slice(lineEnd + 2, -2) : text.slice(1, lineEnd);
  }

  /** Milliseconds until the reply of `replyBytes` bytes, which begins with `start`, is there. */
  async time(parts: readonly string[], start: string, replyBytes: number): Promise<number> {
    const startedMs = performance.now();
    const reply = await this.send(parts, () => {
      if (this.byteCount >= replyBytes) return true;
      // An error is shorter, and would be waited for in vain.
      const [first] = this.chunks;
      return first !== undefined && first.toString('latin1', 0, 1) !== start[0];
    });
    const elapsedMs = performance.now() - startedMs;
    if (reply.length !== replyBytes || reply.toString('latin1', 0, start.length) !== start) {
      throw new Error(`${parts.join(' ')}: ${reply.length} bytes, ${reply.toString('latin1', 0, 80)}`);
    }
    return elapsedMs;
  }

  /** A number of INFO. */
  async info(field: string): Promise<number> {
    const text = await this.ask('INFO', 'everything');
    const value = new RegExp(`^${field}:(\\d+)`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`INFO has no ${field}`);
    return Number(value);
  }

  /** Throws unless `parts` is answered with `wanted`: a benchmark that skipped work is worth nothing. */
  async expect(wanted: string | number, ...parts: readonly string[]): Promise<void> {
    const answer = await this.ask(...parts);
    if (answer !== `${wanted}`) throw new Error(`${parts.join(' ')}: ${answer} instead of ${wanted}`);
  }

  private send(parts: readonly string[], isDone: () => boolean): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.onFailure = reject;
      this.onData = () => {
        if (!isDone()) return;
        const reply = Buffer.concat(this.chunks);
        this.chunks = [];
        this.byteCount = 0;
        resolve(reply);
      };
      const text = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('');
      this.socket.write(`*${parts.length}\r\n${text}`);
    });
  }
}

/** Whether a reply that is no array is complete. */
function isWhole(reply: Buffer): boolean {
  const lineEnd = reply.toString('latin1', 0, LINE_BYTES_MAX).indexOf('\r\n');
  if (lineEnd < 0) return false;
  if (reply[0] !== '$'.charCodeAt(0)) return true;
  const byteCount = Number(reply.toString('latin1', 1, lineEnd));
  return reply.length >= lineEnd + 2 + byteCount + 2;
}
