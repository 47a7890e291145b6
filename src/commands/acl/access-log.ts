/** What was refused: ACL LOG and the counters of INFO. Each worker keeps its own; who asks gets all of them merged. */
import type { Bytes } from '../../base/bytes.ts';
import { Counter } from '../../memory/control.ts';
import type { Command } from '../registry.ts';
import { type Client, Gate } from '../row.ts';
import { Denial } from './permissions.ts';

/** How the command came. */
export type AccessContext = 'toplevel' | 'multi' | 'lua';

export interface AccessLogEntry {
  count: number;
  /** As ACL LOG names it. */
  readonly reason: string;
  readonly context: AccessContext;
  /** The command, key, channel or AUTH's name, as latin1. */
  readonly object: string;
  readonly user: string;
  /** Of the latest. */
  atMs: number;
  client: string;
}

/** Redis looks for an entry that tells the same among so many of the latest, if it is not older than that. */
const GROUPED_ENTRIES_MAX = 10;
const GROUPED_MS_MAX = 60_000;
/** A key may have half a gigabyte, and the log keeps many. */
const OBJECT_BYTES_MAX = 16384;

const REASONS: Readonly<Record<Denial, string>> = {
  [Denial.Command]: 'command',
  [Denial.Key]: 'key',
  [Denial.Auth]: 'auth',
  [Denial.Channel]: 'channel',
};
const COUNTERS: Readonly<Record<Denial, Counter>> = {
  [Denial.Command]: Counter.AccessDeniedCommand,
  [Denial.Key]: Counter.AccessDeniedKey,
  [Denial.Auth]: Counter.AccessDeniedAuth,
  [Denial.Channel]: Counter.AccessDeniedChannel,
};

/** The request that was refused. */
export interface RefusedRequest {
  readonly source: Bytes;
  readonly args: Int32Array;
  readonly count: number;
}

export class AccessLog {
  /** The latest first. */
  private entries: AccessLogEntry[] = [];
  /** acllog-max-len. */
  entriesMax = 128;
  private readonly counters: Float64Array;

  constructor(counters: Float64Array) {
    this.counters = counters;
  }

  /** All that is kept, the latest first. */
  list(): readonly AccessLogEntry[] {
    return this.entries;
  }

  clear(): void {
    this.entries = [];
  }

  /** Checks a request against the client's permissions. Null: allowed; else it is in the log, and this is the error. */
  refuse(client: Client, command: Command, request: RefusedRequest, context?: AccessContext): string | null {
    if (client.permissions === null) return null;
    const refusal = client.permissions.check(command, request.source, request.args, request.count);
    if (refusal === null) return null;
    const { denial, position } = refusal;
    const object = denial === Denial.Command ? command.name : argumentOf(request, position);
    this.add(client, denial, object, client.account, context);
    return REFUSALS[context ?? 'toplevel'](denial, command.name);
  }

  /** Counts and keeps a refusal. `user` is whom the client wanted to be, or is. */
  add(
    client: Pick<Client, 'gates' | 'describe'>,
    denial: Denial,
    object: string,
    user: string,
    context: AccessContext = contextOf(client),
  ): void {
    this.counters[COUNTERS[denial]]!++;
    const entry: AccessLogEntry = {
      count: 1,
      reason: REASONS[denial],
      context,
      object: object.slice(0, OBJECT_BYTES_MAX),
      user,
      atMs: Date.now(),
      client: client.describe(),
    };
    this.entries = group(this.entries, entry);
    if (this.entries.length > this.entriesMax) this.entries.length = this.entriesMax;
  }
}

/** The words in which a client is told of a refusal, by where its command was to run. */
const REFUSALS: Record<AccessContext, (denial: Denial, name: string) => string> = {
  toplevel: (denial, name) =>
    denial === Denial.Command
      ? `NOPERM this user has no permissions to run the '${name}' command`
      : `NOPERM this user has no permissions to access one of the ${denial === Denial.Key ? 'keys' : 'channels'} used as arguments`,
  multi: (denial) =>
    'NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is ' +
    `no longer allowed for the following reason: ${CHANGED_REASONS[denial]}`,
  lua: (denial) => `The user executing the script ${SCRIPT_REASONS[denial]}`,
};

const CHANGED_REASONS: Record<Denial, string> = {
  [Denial.Command]: 'no permission to execute the command or subcommand',
  [Denial.Key]: 'no permission to touch the specified keys',
  [Denial.Channel]: 'no permission to access one of the channels used as arguments to the command',
  [Denial.Auth]: 'no permission',
};

const SCRIPT_REASONS: Record<Denial, string> = {
  [Denial.Command]: "can't run this command or subcommand",
  [Denial.Key]: "can't access at least one of the keys mentioned in the command arguments",
  [Denial.Channel]: "can't publish to the channel mentioned in the command",
  [Denial.Auth]: "can't run this command or subcommand",
};

function contextOf(client: Pick<Client, 'gates'>): AccessContext {
  return (client.gates & Gate.Transaction) !== 0 ? 'multi' : 'toplevel';
}

function argumentOf({ source, args }: RefusedRequest, position: number): string {
  const start = args[position * 2]!;
  const end = start + Math.min(args[position * 2 + 1]!, OBJECT_BYTES_MAX);
  return source.u8.toString('latin1', start, end);
}

/** Puts `entry` in front, together with one of the latest that tells the same. */
function group(entries: AccessLogEntry[], entry: AccessLogEntry): AccessLogEntry[] {
  const sameAt = entries.slice(0, GROUPED_ENTRIES_MAX).findIndex((known) => tellsTheSame(known, entry));
  if (sameAt >= 0) {
    entry.count += entries[sameAt]!.count;
    entries.splice(sameAt, 1);
  }
  entries.unshift(entry);
  return entries;
}

function tellsTheSame(a: AccessLogEntry, b: AccessLogEntry): boolean {
  if (a.reason !== b.reason || a.context !== b.context || a.object !== b.object || a.user !== b.user)
    return false;
  return Math.abs(a.atMs - b.atMs) <= GROUPED_MS_MAX;
}

/** The entries of all workers as one log of at most `entriesMax`, the latest first. */
export function mergeAccessLogs(
  logs: readonly (readonly AccessLogEntry[])[],
  entriesMax: number,
): AccessLogEntry[] {
  // The order of one worker's entries stands also within a millisecond.
  const inOrder = logs.flatMap((log) => log.toReversed()).sort((a, b) => a.atMs - b.atMs);
  let merged: AccessLogEntry[] = [];
  for (const entry of inOrder) merged = group(merged, { ...entry });
  return merged.slice(0, entriesMax);
}
