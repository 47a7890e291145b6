/**
 * What a client has queued between MULTI and EXEC: the bytes of all requests one behind the other, and where their
 * arguments lie, so that a queued request costs little more than its bytes.
 */
import { Bytes } from '../../base/bytes.ts';
import type { Command } from '../../commands/registry.ts';
import { type Call, Route } from '../../commands/row.ts';
import type { Request } from '../request.ts';

/** Redis: these are run at once, those it does not allow there say so themselves. */
const RUN_AT_ONCE: ReadonlySet<string> = new Set(['exec', 'discard', 'multi', 'watch', 'quit', 'reset']);
/** Also when memory is full. */
const ENDINGS: ReadonlySet<string> = new Set(['exec', 'discard', 'quit', 'reset']);
const TEXT_BYTES = 1024;
const ARGUMENTS = 64;
/** Counted for each request beside its bytes, and for each argument. */
const REQUEST_BYTES = 16;
const ARGUMENT_BYTES = 8;

export function runsInTransaction(command: Command): boolean {
  return RUN_AT_ONCE.has(command.name);
}

export function endsTransaction(command: Command): boolean {
  return ENDINGS.has(command.name);
}

/** Where a request is put to be run. */
export interface RequestPlace {
  source: Bytes;
  args: Int32Array;
  count: number;
}

export class Transaction {
  /** A request was refused before it could be queued: nothing will be run. */
  isRefused = false;
  /** Flags of all that is queued. */
  flags = 0;
  /** Something that is queued may use any key. */
  locksAll = false;
  private text = Bytes.allocate(TEXT_BYTES);
  private textEnd = 0;
  private args = new Int32Array(ARGUMENTS * 2);
  private argsEnd = 0;
  private readonly commands: Command[] = [];
  /** Of each request where its arguments begin in `args`. */
  private readonly starts: number[] = [];

  get count(): number {
    return this.commands.length;
  }

  /** Memory that the queue takes, about. */
  get byteCount(): number {
    return this.textEnd + (this.argsEnd >> 1) * ARGUMENT_BYTES + this.count * REQUEST_BYTES;
  }

  add(command: Command, call: Call): void {
    const { args, count, source } = call;
    let byteCount = 0;
    for (let i = 1; i < count * 2; i += 2) byteCount += args[i]!;
    this.makeRoom(byteCount, count * 2);
    this.commands.push(command);
    this.starts.push(this.argsEnd);
    for (let i = 0; i < count * 2; i += 2) {
      this.args[this.argsEnd++] = this.textEnd;
      this.args[this.argsEnd++] = args[i + 1]!;
      this.textEnd += source.u8.copy(this.text.u8, this.textEnd, args[i]!, args[i]! + args[i + 1]!);
    }
    this.flags |= command.flags;
    const { route, row, name } = command;
    // What is queued behind SELECT is about keys of another database.
    if (route === Route.Each || route === Route.All || row.runsOthers === true || name === 'select') {
      this.locksAll = true;
    }
  }

  private makeRoom(byteCount: number, argCount: number): void {
    if (this.textEnd + byteCount > this.text.u8.length) {
      const larger = Bytes.allocate((this.textEnd + byteCount) * 2);
      this.text.u8.copy(larger.u8, 0, 0, this.textEnd);
      this.text = larger;
    }
    if (this.argsEnd + argCount > this.args.length) {
      const larger = new Int32Array((this.argsEnd + argCount) * 2);
      larger.set(this.args.subarray(0, this.argsEnd));
      this.args = larger;
    }
  }

  /** Puts request `index` into `place` and returns its command. */
  load(index: number, place: RequestPlace): Command {
    place.source = this.text;
    place.args = this.args.subarray(this.starts[index]!, this.starts[index + 1] ?? this.argsEnd);
    place.count = place.args.length >> 1;
    return this.commands[index]!;
  }

  /** `load` for a request to be run. */
  loadRequest(index: number, request: Request): void {
    request.command = this.load(index, request);
    request.hash = -1;
  }
}
