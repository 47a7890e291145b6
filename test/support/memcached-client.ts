/** A bare socket to a memcached server: sends bytes, answers with what came back. */

const MARK = 'mn\r\n';
const MARK_REPLY = 'MN\r\n';

export class MemcachedClient {
  private output = '';
  private waiting: (() => void) | null = null;
  private socket!: Bun.Socket;
  closed = false;

  static async connect(port: number): Promise<MemcachedClient> {
    const client = new MemcachedClient();
    client.socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_socket, bytes) => {
          client.output += bytes.toString('latin1');
          client.waiting?.();
        },
        close: () => {
          client.closed = true;
          client.waiting?.();
        },
      },
    });
    return client;
  }

  /** Sends `request` (latin1) and returns its whole reply: what came before that of a meta no-op sent behind it. */
  async send(request: string): Promise<string> {
    this.output = '';
    const bytes = Buffer.from(request + MARK, 'latin1');
    for (let at = 0; at < bytes.length;) {
      const taken = this.socket.write(bytes, at);
      if (taken <= 0) await Bun.sleep(1);
      else at += taken;
    }
    while (!this.output.endsWith(MARK_REPLY) && !this.closed) {
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
    }
    this.waiting = null;
    return this.closed ? this.output : this.output.slice(0, -MARK_REPLY.length);
  }

  close(): void {
    this.socket.end();
  }
}
