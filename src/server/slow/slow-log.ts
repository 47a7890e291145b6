/** A log of one worker: the newest commands that took long, or were large, as SLOWLOG GET and COMMANDLOG GET print them. */
import type { Control, ControlBlock } from '../../memory/control.ts';
import type { CommandLogEntry } from '../../commands/server/command-log.ts';
import type { Call, Client } from '../../commands/row.ts';
import type { Command } from '../../commands/registry.ts';
import { secretPositions } from './secrets.ts';

/** Redis: of longer requests the first 31 arguments are kept, and of longer arguments the first 128 bytes. */
const ARGUMENTS_MAX = 32;
const ARGUMENT_BYTES_MAX = 128;
const REDACTED = encode('(redacted)');

/** The client whose command it was. */
export type SlowClient = Pick<Client, 'name'> & { readonly address: string };

export class SlowLog {
  private readonly control: ControlBlock;
  /** The word of the id that the next entry gets. */
  private readonly idWord: Control;
  /** Oldest first. */
  private entries: CommandLogEntry[] = [];
  lengthMax = 0;
  /** What took so much is logged, microseconds or bytes; negative: nothing is. */
  threshold = -1;

  constructor(control: ControlBlock, idWord: Control) {
    this.control = control;
    this.idWord = idWord;
  }

  get length(): number {
    return this.entries.length;
  }

  /** Takes the settings over. */
  configure(threshold: number, lengthMax: number): void {
    this.threshold = threshold;
    this.lengthMax = lengthMax;
    this.trim();
  }

  /** Keeps the command that `call` has just run. Copies what it keeps. */
  add(call: Call, command: Command, client: SlowClient, amount: number): void {
    this.entries.push({
      id: Atomics.add(this.control.words, this.idWord, 1),
      timeS: Math.floor(call.keyspace.nowMs / 1000),
      amount: Math.round(amount),
      args: copyArguments(call, command),
      address: client.address,
      clientName: client.name,
    });
    this.trim();
  }

  /** The newest `count` entries, the newest first. */
  newest(count: number): CommandLogEntry[] {
    return this.entries.slice(Math.max(this.entries.length - count, 0)).reverse();
  }

  /** Drops the oldest entries beyond `lengthMax`. */
  private trim(): void {
    if (this.entries.length > this.lengthMax)
      this.entries = this.lengthMax === 0 ? [] : this.entries.slice(-this.lengthMax);
  }

  reset(): void {
    this.entries = [];
  }
}

function copyArguments(call: Call, command: Command): Uint8Array[] {
  const isCut = call.count > ARGUMENTS_MAX;
  const keptCount = isCut ? ARGUMENTS_MAX - 1 : call.count;
  const secrets = secretPositions(call, command);
  const kept: Uint8Array[] = [];
  for (let index = 0; index < keptCount; index++) {
    kept.push(secrets.includes(index) ? REDACTED : copyArgument(call, index));
  }
  if (isCut) kept.push(encode(`... (${call.count - keptCount} more arguments)`));
  return kept;
}

function copyArgument(call: Call, index: number): Uint8Array {
  const start = call.args[index * 2]!;
  const byteCount = call.args[index * 2 + 1]!;
  const part = call.source.u8.subarray(start, start + Math.min(byteCount, ARGUMENT_BYTES_MAX));
  if (byteCount <= ARGUMENT_BYTES_MAX) return new Uint8Array(part);
  const rest = encode(`... (${byteCount - ARGUMENT_BYTES_MAX} more bytes)`);
  return new Uint8Array(Buffer.concat([part, rest]));
}

/** In memory of its own: a Buffer shares that of others, all of which would be sent with it to another worker. */
function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
