/** A client of a real redis-server that shows its replies as they are, to be compared with ours byte by byte. */
import type { Socket } from 'bun';
import { parseReply } from './reply.ts';
import { encodeRequest } from './test-server.ts';

export class OracleClient {
  private output = '';
  private wake: () => void = () => {};

  private constructor(private readonly socket: Socket<undefined>) {}

  static async connect(port: number): Promise<OracleClient> {
    let client: OracleClient | null = null;
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data(_socket, bytes) {
          if (client === null) return;
          client.output += bytes.toString('latin1');
          client.wake();
        },
      },
    });
    client = new OracleClient(socket);
    return client;
  }

  /** Runs one command and returns the raw reply as latin1. One at a time. */
  async run(...parts: (string | number | Uint8Array)[]): Promise<string> {
    this.output = '';
    this.socket.write(encodeRequest(parts));
    while (this.output === '' || parseReply(this.output) === null) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.output;
  }

  close(): void {
    this.socket.end();
  }
}
