/**
 * Random commands to a TestServer and to redis-server, whose replies must be the same bytes. The oracle is asked over one
 * socket in pipelined batches, ours one by one or in pipelines cut anywhere. Generators draw the commands, so that each family brings its own.
 */
import { connect, type Socket } from 'node:net';
import { Prng } from './prng.ts';
import { encodeRequest, TestServer } from './test-server.ts';

export type Argument = string | number | Uint8Array;
export type Command = readonly Argument[];
/** Draws one command. */
export type Generator = (random: Random) => Command;

export interface DifferentialOptions {
  readonly seed: number;
  readonly commands: number;
  /** One is chosen at random for each command: repeat those that should come more often. */
  readonly generators: readonly Generator[];
  readonly oraclePort: number;
  /** Default: a new one. It and the oracle must hold the same. */
  readonly server?: TestServer;
  /** Sent to both first; the replies are not compared. */
  readonly prologue?: readonly Command[];
  /** Judges two replies that are not equal and that no tolerance for time explains. */
  readonly isSame?: (command: Command, ours: string, theirs: string) => boolean;
}

const BATCH_COMMANDS = 256;
const HISTORY_COMMANDS = 16;
/** What the clocks of two servers and a slow machine may differ by. */
const TOLERANCE_MS = 5000;
/** Replies that count time, and how many milliseconds one unit of them is. */
const TIME_REPLIES: Readonly<Record<string, number>> = {
  TTL: 1000,
  PTTL: 1,
  EXPIRETIME: 1000,
  PEXPIRETIME: 1,
};

/** Random draws for generators. */
export class Random {
  private readonly prng: Prng;

  constructor(seed: number) {
    this.prng = new Prng(seed);
  }

  /** An integer in [0, n). */
  below(n: number): number {
    return this.prng.below(n);
  }

  /** An integer in [min, max]. */
  between(min: number, max: number): number {
    return min + this.prng.below(max - min + 1);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.prng.below(list.length)]!;
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.prng.below(n) === 0;
  }
}

/** The seed to use: DIFFERENTIAL_SEED, or a new one. Print it. */
export function chooseSeed(): number {
  return Number(process.env['DIFFERENTIAL_SEED'] ?? Date.now() % 2 ** 32);
}

/** How many commands to run: DIFFERENTIAL_COMMANDS, or `commandCount`. */
export function chooseCommandCount(commandCount: number): number {
  return Number(process.env['DIFFERENTIAL_COMMANDS'] ?? commandCount);
}

/** Runs the commands and throws at the first reply that differs, with the commands before it that used its key. */
export async function runDifferential(options: DifferentialOptions): Promise<void> {
  const random = new Random(options.seed);
  const server = options.server ?? new TestServer();
  const oracle = await OracleSocket.open(options.oraclePort);
  const history: Command[] = [];
  const cuts = new Random(options.seed + 1);
  try {
    const prologue = options.prologue ?? [];
    for (const command of prologue) server.run(...command);
    if (prologue.length > 0) await oracle.run(prologue);
    while (history.length < options.commands) {
      const batch: Command[] = [];
      const size = Math.min(BATCH_COMMANDS, options.commands - history.length);
      while (batch.length < size) batch.push(random.pick(options.generators)(random));
      const answer = oracle.run(batch);
      const ours = cuts.oneIn(2)
        ? batch.map((command) => server.run(...command))
        : runPiped(server, batch, cuts);
      const theirs = await answer;
      for (const [index, command] of batch.entries()) {
        history.push(command);
        if (!isSameReply(options, command, ours[index]!, theirs[index]!)) {
          throw new Error(describeDifference(options.seed, history, ours[index]!, theirs[index]!));
        }
      }
    }
    server.verify();
  } finally {
    oracle.close();
  }
}

/** Sends the batch in chunks of random length, as a socket may deliver it. */
function runPiped(server: TestServer, batch: readonly Command[], random: Random): string[] {
  const bytes = Buffer.concat(batch.map((command) => encodeRequest(command)));
  let output = '';
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + random.below(random.pick([100, 5000, 70_000, bytes.length]));
    output += server.client.send(bytes.subarray(at, end));
    at = end;
  }
  const replies: string[] = [];
  for (let at = 0; replies.length < batch.length;) {
    const end = replyEnd(output, at);
    if (end < 0) throw new Error(`only ${replies.length} replies to ${batch.length} pipelined commands`);
    replies.push(output.slice(at, end));
    at = end;
  }
  return replies;
}

function isSameReply(options: DifferentialOptions, command: Command, ours: string, theirs: string): boolean {
  if (ours === theirs || isSameTime(command, ours, theirs)) return true;
  return options.isSame?.(command, ours, theirs) ?? false;
}

/** Whether two replies tell about the same time, where a command asks for one. */
export function isSameTime(command: Command, ours: string, theirs: string): boolean {
  const unitMs = TIME_REPLIES[String(command[0]).toUpperCase()];
  if (unitMs === undefined || !isPositive(ours) || !isPositive(theirs)) return false;
  return Math.abs(Number(ours.slice(1)) - Number(theirs.slice(1))) * unitMs <= TOLERANCE_MS;
}

function isPositive(reply: string): boolean {
  return /^:\d+\r\n$/.test(reply);
}

function describeDifference(seed: number, history: readonly Command[], ours: string, theirs: string): string {
  const last = history.length - 1;
  const command = history[last]!;
  const names = new Set(command.slice(1).map(readable));
  const before = history
    .map((earlier, index) => ({ earlier, index }))
    .slice(0, last)
    .filter(({ earlier }) => earlier.slice(1).some((argument) => names.has(readable(argument))))
    .slice(-HISTORY_COMMANDS)
    .map(({ earlier, index }) => `  ${index}: ${earlier.map(readable).join(' ')}`);
  return [
    `seed ${seed}, command ${last}: ${command.map(readable).join(' ')}`,
    `ours:   ${JSON.stringify(ours.slice(0, 400))}`,
    `theirs: ${JSON.stringify(theirs.slice(0, 400))}`,
    'before it:',
    ...before,
  ].join('\n');
}

function readable(argument: Argument): string {
  const text = typeof argument === 'object' ? Buffer.from(argument).toString('latin1') : String(argument);
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 60)}... (${text.length})` : text);
}

/** One connection to the oracle, or to a server of ours. */
export class OracleSocket {
  readonly socket: Socket;
  private received: Buffer[] = [];
  private waiting: {
    count: number;
    resolve: (replies: string[]) => void;
    reject: (reason: Error) => void;
  } | null = null;
  /** Text not yet split, the replies already found in it, and where the next one begins. */
  private text = '';
  private readonly replies: string[] = [];
  private at = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received.push(chunk);
      this.settle();
    });
    socket.on('error', () => {});
    socket.on('close', () => this.waiting?.reject(new Error('the server closed the connection')));
  }

  static open(port: number): Promise<OracleSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () =>
        resolve(new OracleSocket(socket)),
      );
      socket.once('error', reject);
    });
  }

  /** Sends the commands at once; their raw replies, as latin1. One call at a time; it fails when the connection ends. */
  run(commands: readonly Command[]): Promise<string[]> {
    const answer = new Promise<string[]>((resolve, reject) => {
      this.waiting = { count: commands.length, resolve, reject };
    });
    this.socket.write(Buffer.concat(commands.map((command) => encodeRequest(command))));
    return answer;
  }

  close(): void {
    this.socket.destroy();
  }

  private settle(): void {
    this.text += Buffer.concat(this.received).toString('latin1');
    this.received = [];
    for (;;) {
      const end = replyEnd(this.text, this.at);
      if (end < 0) break;
      this.replies.push(this.text.slice(this.at, end));
      this.at = end;
    }
    this.text = this.text.slice(this.at);
    this.at = 0;
    const waiting = this.waiting;
    if (waiting === null || this.replies.length < waiting.count) return;
    this.waiting = null;
    waiting.resolve(this.replies.splice(0, waiting.count));
  }
}

/** The end of the RESP2 or RESP3 reply that begins at `at`, or -1: it is not complete. */
export function replyEnd(text: string, at: number): number {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return -1;
  const next = lineEnd + 2;
  const count = Number(text.slice(at + 1, lineEnd));
  switch (text[at]) {
    case '$':
    case '=':
    case '!': {
      const end = count < 0 ? next : next + count + 2;
      return end <= text.length ? end : -1;
    }
    case '*':
    case '~':
    case '>':
      return repliesEnd(text, next, count);
    case '%':
      return repliesEnd(text, next, count * 2);
    default:
      return next;
  }
}

function repliesEnd(text: string, at: number, count: number): number {
  let end = at;
  for (let i = 0; i < count && end >= 0; i++) end = replyEnd(text, end);
  return end;
}
