/** All families concatenated: every command with an id, found by the bytes of its name without making a string. */
import { assert } from '../base/assert.ts';
import { COMMAND_COUNT_MAX } from '../memory/control.ts';
import { type Call, type Family, type Handler, KeyFlag, type KeySpec, Route, type Row } from './row.ts';

/** A row with what is computed from it once. One shape, for the dispatcher's sake. */
export class Command {
  readonly id: number;
  readonly row: Row;
  readonly group: string;
  /** Lower case; `container|sub` for a subcommand. */
  readonly name: string;
  /** Its last word as finds compare it: every byte with the bit that makes a letter lower case. */
  readonly nameBytes: Uint8Array;
  readonly flags: number;
  readonly arity: number;
  readonly route: Route;
  /** Position of the only key, or 0 when there are none or several. */
  readonly singleKey: number;
  readonly keys: readonly KeySpec[];
  /** Where the keys stand if that can be told by positions alone, `keyFirst` being 0 otherwise: see `keyRange`. */
  readonly keyFirst: number;
  readonly keyLast: number;
  readonly keyStep: number;
  readonly run: Handler;
  readonly subs: ReadonlyMap<string, Command> | null;
  readonly grows: boolean;
  /** Which shards it needs only running it can tell, in a transaction too. */
  readonly needsAllLocks: boolean;

  constructor(
    id: number,
    row: Row,
    group: string,
    parent: Command | null,
    subs: Map<string, Command> | null,
  ) {
    this.id = id;
    this.row = row;
    this.group = group;
    this.name = (parent === null ? '' : `${parent.name}|`) + row.name.toLowerCase();
    this.nameBytes = Buffer.from(row.name).map((byte) => byte | CASE_BIT);
    this.flags = row.flags;
    this.arity = row.arity;
    this.keys = row.keys ?? [];
    this.route = row.route ?? (this.keys.length > 0 ? Route.ByKey : Route.Here);
    const range = keyRange(this.keys);
    this.keyFirst = range === null ? 0 : range.first;
    this.keyLast = range === null ? 0 : range.last;
    this.keyStep = range === null ? 1 : range.step;
    this.singleKey = row.otherDatabase === undefined ? singleKeyOf(this.keys) : 0;
    this.run = row.run ?? unreachable;
    this.subs = subs;
    this.grows = row.grows === true;
    this.needsAllLocks = needsAllLocks(this);
  }
}

function unreachable(_call: Call): void {
  assert(false, 'a container command was run without its subcommand');
}

function needsAllLocks({ route, keys, row }: Command): boolean {
  if (route === Route.All || route === Route.Each) return true;
  if (route === Route.Here) return keys.length > 0;
  return row.locksAll === undefined && keys.some(({ begin }) => begin.kind === 'unknown');
}

function singleKeyOf(keys: readonly KeySpec[]): number {
  const spec = keys[0];
  if (keys.length !== 1 || spec === undefined || (spec.flags & KeyFlag.NotKey) !== 0) return 0;
  if (spec.begin.kind !== 'index' || spec.find.kind !== 'range' || spec.find.last !== 0) return 0;
  return spec.begin.position;
}

/**
 * Keys that stand side by side or at equal steps, told by one specification (MSET) or by several (LMOVE, SINTERSTORE): the
 * first, how far behind it the last stands (negative: counted from the end of the request), and the step. Else null.
 */
function keyRange(keys: readonly KeySpec[]): { first: number; last: number; step: number } | null {
  const range = { first: 0, last: 0, step: 1 };
  for (const [index, { begin, find, flags }] of keys.entries()) {
    if (begin.kind !== 'index' || find.kind !== 'range') return null;
    if (find.limit > 1 || (flags & KeyFlag.NotKey) !== 0) return null;
    if (index === 0) range.first = begin.position;
    const isBehind = range.last >= 0 && begin.position === range.first + range.last + (index === 0 ? 0 : 1);
    if (!isBehind || (find.step !== 1 && keys.length > 1)) return null;
    range.last = find.last < 0 ? find.last : begin.position + find.last - range.first;
    range.step = find.step;
  }
  return keys.length === 0 ? null : range;
}

const NAME_SLOTS = 2048;
const CASE_BIT = 0x20;

export class Registry {
  /** Every command and subcommand, by id. */
  readonly commands: Command[] = [];
  /** Top-level commands by lower-case name. */
  readonly byName = new Map<string, Command>();
  private readonly slots = Array.from({ length: NAME_SLOTS }, (): Command | null => null);

  constructor(families: readonly Family[]) {
    for (const family of families) for (const row of family.rows) this.add(row, family.group);
    assert(this.commands.length <= COMMAND_COUNT_MAX, 'too many commands for the control block');
  }

  private add(row: Row, group: string): void {
    const subs = row.subs === undefined ? null : new Map<string, Command>();
    const command = new Command(this.commands.length, row, group, null, subs);
    this.commands.push(command);
    for (const sub of row.subs ?? []) {
      const child = new Command(this.commands.length, sub, group, command, null);
      this.commands.push(child);
      subs!.set(sub.name.toLowerCase(), child);
    }
    assert(!this.byName.has(command.name), 'two commands of one name');
    this.byName.set(command.name, command);
    let slot = nameHash(command.nameBytes, 0, command.nameBytes.length);
    while (this.slots[slot] !== null) slot = (slot + 1) & (NAME_SLOTS - 1);
    this.slots[slot] = command;
  }

  /** The top-level command whose name stands at `u8[at, at + byteCount)` in any case, or null. */
  find(u8: Uint8Array, at: number, byteCount: number): Command | null {
    let slot = nameHash(u8, at, byteCount);
    for (;;) {
      const command = this.slots[slot]!;
      if (command === null || sameName(command.nameBytes, u8, at, byteCount)) return command;
      slot = (slot + 1) & (NAME_SLOTS - 1);
    }
  }
}

/** Folding lets '@' stand for '`' and DEL for '_': nobody is misled by that. */
function nameHash(u8: Uint8Array, at: number, byteCount: number): number {
  let hash = byteCount;
  for (let i = 0; i < byteCount; i++) hash = Math.imul(hash ^ (u8[at + i]! | CASE_BIT), 0x01000193);
  return (hash ^ (hash >>> 15)) & (NAME_SLOTS - 1);
}

function sameName(name: Uint8Array, u8: Uint8Array, at: number, byteCount: number): boolean {
  if (name.length !== byteCount) return false;
  for (let i = 0; i < byteCount; i++) if (name[i] !== (u8[at + i]! | CASE_BIT)) return false;
  return true;
}
