/**
 * What a user who may not do everything may do: checks one request against the user's selectors, without side effects.
 * Asked when a command is run, when it is queued, again at EXEC, for commands of scripts and by ACL DRYRUN.
 */
import type { Bytes } from '../../base/bytes.ts';
import { collectKeyPositions } from '../key-positions.ts';
import type { Command } from '../registry.ts';
import { Flag, KeyFlag } from '../row.ts';
import { KeyAccess, type Selector } from './selector.ts';
import type { User } from './user.ts';

/** Why, in Redis' order: of what several selectors say, the last of these is told. */
export const enum Denial {
  Command = 1,
  Key = 2,
  Auth = 3,
  Channel = 4,
}

export interface Refusal {
  readonly denial: Denial;
  /** The argument that is not allowed; 0: the command. */
  readonly position: number;
}

export interface RequestArguments {
  readonly source: Bytes;
  readonly args: Int32Array;
  readonly count: number;
}

/** Commands whose arguments are channels: from where on, to where (0: the last), and whether they are patterns. */
const CHANNELS: Readonly<Record<string, { first: number; last: number; arePatterns: boolean }>> = {
  publish: { first: 1, last: 1, arePatterns: false },
  spublish: { first: 1, last: 1, arePatterns: false },
  subscribe: { first: 1, last: 0, arePatterns: false },
  ssubscribe: { first: 1, last: 0, arePatterns: false },
  psubscribe: { first: 1, last: 0, arePatterns: true },
};
const NO_KEYS: readonly number[] = [];

export class Permissions {
  readonly user: User;
  private readonly selectors: readonly Selector[];

  constructor(user: User) {
    this.user = user;
    this.selectors = [user.root, ...user.others];
  }

  /** Null: the request is allowed. */
  check(command: Command, source: Bytes, args: Int32Array, count: number): Refusal | null {
    const request = { source, args, count };
    const keys = keysOf(command, request);
    let denial = Denial.Command;
    let position = 0;
    for (const selector of this.selectors) {
      const refusal = checkSelector(selector, command, request, keys);
      if (refusal === null) return null;
      if (refusal.denial < denial || (refusal.denial === denial && refusal.position <= position)) continue;
      ({ denial, position } = refusal);
    }
    return { denial, position };
  }

  /** Whether a channel, or a pattern of channels, may be listened to. */
  allowsChannel(name: Uint8Array, isPattern: boolean): boolean {
    return this.selectors.some((selector) => selector.allowsChannel(name, 0, name.length, isPattern));
  }

  /** Whether a command without keys is allowed. */
  allows(command: Command): boolean {
    return this.selectors.some((selector) => selector.commands.has(command.id));
  }

  /** Whether a command that has one key may have this one; 0 if so. */
  checkKey(command: Command, u8: Uint8Array, at: number, byteCount: number): Denial | 0 {
    const flags = command.keys[0]?.flags ?? 0;
    let denial: Denial = Denial.Command;
    for (const selector of this.selectors) {
      if (!selector.commands.has(command.id)) continue;
      if (selector.allowsKey(u8, at, byteCount, flags)) return 0;
      denial = Denial.Key;
    }
    return denial;
  }

  /** Whether a request is allowed by a selector that lets every key be read: what SORT's BY and GET need. */
  mayReadEveryKey(command: Command, source: Bytes, args: Int32Array, count: number): boolean {
    const request = { source, args, count };
    const keys = keysOf(command, request);
    return this.selectors.some(
      (selector) => readsEveryKey(selector) && checkSelector(selector, command, request, keys) === null,
    );
  }
}

function readsEveryKey({ allKeys, keys }: Selector): boolean {
  return allKeys || keys.some(({ text, access }) => text === '*' && (access & KeyAccess.Read) !== 0);
}

function checkSelector(
  selector: Selector,
  command: Command,
  request: RequestArguments,
  keys: readonly number[],
): Refusal | null {
  if (!allowsCommand(selector, command, request)) return { denial: Denial.Command, position: 0 };
  const { source, args } = request;
  for (let i = 0; i < keys.length; i += 2) {
    const position = keys[i]!;
    if (!selector.allowsKey(source.u8, args[position * 2]!, args[position * 2 + 1]!, keys[i + 1]!))
      return { denial: Denial.Key, position };
  }
  const channels = CHANNELS[command.name];
  if (channels === undefined || selector.allChannels) return null;
  const last = channels.last === 0 ? request.count - 1 : channels.last;
  for (let position = channels.first; position <= last; position++) {
    const at = args[position * 2]!;
    if (!selector.allowsChannel(source.u8, at, args[position * 2 + 1]!, channels.arePatterns))
      return { denial: Denial.Channel, position };
  }
  return null;
}

function allowsCommand(selector: Selector, command: Command, request: RequestArguments): boolean {
  if (selector.allCommands || (command.flags & Flag.NoAuth) !== 0) return true;
  if (selector.commands.has(command.id)) return true;
  const words = selector.firstArguments.get(command.id);
  if (words === undefined || request.count < 2) return false;
  const given = argumentText(request, 1).toLowerCase();
  return words.some((word) => word.toLowerCase() === given);
}

function argumentText({ source, args }: RequestArguments, index: number): string {
  const start = args[index * 2]!;
  return source.u8.toString('latin1', start, start + args[index * 2 + 1]!);
}

/** Positions and KeyFlag sets of the request's keys, pair by pair. What is no key is left out. */
function keysOf(command: Command, request: RequestArguments): readonly number[] {
  if (command.keys.length === 0) return NO_KEYS;
  const { source, args, count } = request;
  const found: number[] = [];
  const fits = collectKeyPositions(command, { u8: source.u8, args, count }, found);
  // Redis: a request that is not of the shape its command has is not checked further; it will fail anyway.
  if (!fits) return NO_KEYS;
  const keys: number[] = [];
  for (let i = 0; i < found.length; i += 2) {
    const flags = found[i + 1]!;
    if ((flags & KeyFlag.NotKey) === 0) keys.push(found[i]!, actualFlags(command, request, flags));
  }
  if (command.name === 'sort') addSortDestination(request, keys);
  return keys;
}

/** What the options of a request make of flags that depend on them. */
function actualFlags(command: Command, request: RequestArguments, flags: number): number {
  if ((flags & KeyFlag.VariableFlags) === 0) return flags;
  if (command.name === 'set') {
    for (let index = 3; index < request.count; index++) {
      if (argumentText(request, index).toLowerCase() === 'get') return flags;
    }
    return KeyFlag.Overwrite | KeyFlag.Update;
  }
  if (command.name === 'bitfield' && readsOnly(request)) return KeyFlag.ReadOnly | KeyFlag.Access;
  return flags;
}

/** Redis: a BITFIELD of GETs alone only reads. */
function readsOnly(request: RequestArguments): boolean {
  for (let index = 2; index < request.count; index++) {
    const word = argumentText(request, index).toLowerCase();
    const restCount = request.count - index - 1;
    if (word === 'get' && restCount >= 2) index += 2;
    else if ((word === 'set' || word === 'incrby') && restCount >= 3) return false;
    else if (word === 'overflow' && restCount >= 1) index += 1;
    else return false;
  }
  return true;
}

/** Redis: of several STOREs the last counts; what stands where another option has its arguments is none. */
function addSortDestination(request: RequestArguments, keys: number[]): void {
  let destination = 0;
  for (let index = 2; index < request.count; index++) {
    const word = argumentText(request, index).toLowerCase();
    if (word === 'limit') index += 2;
    else if (word === 'get' || word === 'by') index += 1;
    else if (word === 'store' && index + 1 < request.count) destination = ++index;
  }
  if (destination > 0) keys.push(destination, KeyFlag.Overwrite | KeyFlag.Update);
}
