/** The other end of a migration: a connection to a server that answers each request with one line. */
import type { Socket } from 'bun';

const IO_ERROR = 'IOERR error or timeout';
/** No line of an answer is longer: whoever sends more without an end is no such server. */
const LINE_CHARACTERS_MAX = 64 << 10;
const WRITE_ERROR = `${IO_ERROR} writing to target instance`;

/** The text of an error reply: the target could not be reached, or did not answer in time. */
export class TargetError extends Error {}

export class Target {
  private socket: Socket<undefined> | null = null;
  private readonly lines: string[] = [];
  private partial = '';
  private unsent: Buffer[] = [];
  private isClosed = false;
  private wake: () => void = () => {};
  private readonly timeoutMs: number;

  private constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  /** Throws TargetError. */
  static async connect(hostname: string, port: number, timeoutMs: number): Promise<Target> {
    const target = new Target(timeoutMs);
    // Redis: that nobody listens is found out when it writes.
    const refused = new TargetError(WRITE_ERROR);
    if (!(port > 0 && port < 65536)) throw refused;
    const connecting = Bun.connect({
      hostname,
      port,
      socket: {
        data: (_socket, bytes) => target.receive(bytes),
        drain: () => target.flush(),
        close: () => target.ended(),
        error: () => target.ended(),
        connectError: () => target.ended(),
      },
    }).then(
      (socket) => {
        if (target.isClosed) socket.terminate();
        else target.socket = socket;
        target.wake();
      },
      () => target.ended(),
    );
    void connecting;
    await target.waitFor(() => target.socket !== null);
    if (target.socket !== null && !target.isClosed) return target;
    const hasTimedOut = !target.isClosed;
    target.close();
    throw hasTimedOut ? new TargetError(`${IO_ERROR} connecting to the client`) : refused;
  }

  private receive(bytes: Uint8Array): void {
    const parts = (this.partial + Buffer.from(bytes).toString('latin1')).split('\r\n');
    this.partial = parts.pop()!;
    if (this.partial.length > LINE_CHARACTERS_MAX) this.close();
    this.lines.push(...parts);
    this.wake();
  }

  private ended(): void {
    this.isClosed = true;
    this.wake();
  }

  private flush(): void {
    while (this.unsent.length > 0 && !this.isClosed) {
      const first = this.unsent[0]!;
      const written = this.socket!.write(first);
      if (written < 0) return this.ended();
      if (written < first.length) {
        this.unsent[0] = first.subarray(written);
        if (written === 0) break;
      } else this.unsent.shift();
      this.wake();
    }
  }

  /** Waits until `isDone`, the end of the connection, or `timeoutMs` without anything happening. */
  private async waitFor(isDone: () => boolean): Promise<boolean> {
    while (!isDone() && !this.isClosed) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const hasTimedOut = await new Promise<boolean>((resolve) => {
        this.wake = () => resolve(false);
        timer = setTimeout(() => resolve(true), Math.min(this.timeoutMs, 0x7fffffff));
      });
      clearTimeout(timer);
      this.wake = () => {};
      if (hasTimedOut) break;
    }
    return isDone();
  }

  /** Sends requests. Throws TargetError. */
  async send(requests: readonly Buffer[]): Promise<void> {
    this.unsent.push(...requests);
    this.flush();
    if (!(await this.waitFor(() => this.unsent.length === 0))) {
      throw new TargetError(WRITE_ERROR);
    }
  }

  /** The next line of an answer. Throws TargetError. */
  async readLine(): Promise<string> {
    await this.waitFor(() => this.lines.length > 0);
    const line = this.lines.shift();
    if (line === undefined) throw new TargetError(`${IO_ERROR} reading to target instance`);
    return line;
  }

  close(): void {
    this.isClosed = true;
    this.socket?.terminate();
  }
}

/** The bytes of a request. */
export function encodeTargetRequest(...parts: readonly (string | Buffer)[]): Buffer {
  const out: Buffer[] = [Buffer.from(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    out.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(out);
}
