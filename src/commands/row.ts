/**
 * What a command is: one declarative row next to its handler, and the doors through which a handler reaches the world.
 * The registry, the dispatcher's checks, COMMAND, ACL and key extraction are all computed from rows.
 */
import type { Bytes } from '../base/bytes.ts';
import type { AccessLog } from './acl/access-log.ts';
import type { Permissions } from './acl/permissions.ts';
import type { User } from './acl/user.ts';
import type { UserTable } from './acl/user-table.ts';
import type { ControlBlock } from '../memory/control.ts';
import type { Shard } from '../memory/shard.ts';
import type { RespWriter } from '../protocol/resp-writer.ts';
import type { Key } from '../store/key.ts';
import type { Interests } from '../store/interests.ts';
import type { Keyspace } from '../store/keyspace.ts';
import type { ValueType } from '../store/record.ts';
import type { ScriptHabit } from '../scripting/script-habits.ts';
import type { Scripts } from '../scripting/scripts.ts';
import type { Effect } from './effect.ts';
import type { CommandTimes } from './latency-event.ts';
import type { Command, Registry } from './registry.ts';
import type { PubSub } from './pubsub/door.ts';
import type { Transactions } from './transaction.ts';
import type { Migrator } from './generic/migrate.ts';
import type { ClientTracking } from './connection/tracking.ts';
import type { Monitoring } from './server/monitor.ts';

/** Command flags, with Redis' names in COMMAND INFO (see registry.ts for the words). */
export const enum Flag {
  None = 0,
  Write = 1 << 0,
  ReadOnly = 1 << 1,
  DenyOom = 1 << 2,
  Admin = 1 << 3,
  PubSub = 1 << 4,
  NoScript = 1 << 5,
  Blocking = 1 << 6,
  Loading = 1 << 7,
  Stale = 1 << 8,
  SkipMonitor = 1 << 9,
  SkipSlowlog = 1 << 10,
  Asking = 1 << 11,
  Fast = 1 << 12,
  NoAuth = 1 << 13,
  MayReplicate = 1 << 14,
  Sentinel = 1 << 15,
  NoAsyncLoading = 1 << 16,
  NoMandatoryKeys = 1 << 17,
  Protected = 1 << 18,
  NoMulti = 1 << 19,
  AllowBusy = 1 << 20,
  TouchesArbitraryKeys = 1 << 21,
}

/** What a command does to a key, as in COMMAND INFO's key specifications. */
export const enum KeyFlag {
  ReadOnly = 1 << 0,
  ReadWrite = 1 << 1,
  Overwrite = 1 << 2,
  Remove = 1 << 3,
  Access = 1 << 4,
  Update = 1 << 5,
  Insert = 1 << 6,
  Delete = 1 << 7,
  NotKey = 1 << 8,
  Incomplete = 1 << 9,
  VariableFlags = 1 << 10,
}

/** Where a command's keys stand, as Redis' key specifications say it: a start and a way to go on from it. */
export interface KeySpec {
  readonly flags: number;
  readonly begin:
    | { readonly kind: 'index'; readonly position: number }
    | { readonly kind: 'keyword'; readonly word: string; readonly from: number }
    | { readonly kind: 'unknown' };
  readonly find:
    | { readonly kind: 'range'; readonly last: number; readonly step: number; readonly limit: number }
    | { readonly kind: 'keynum'; readonly countAt: number; readonly first: number; readonly step: number }
    | { readonly kind: 'unknown' };
}

/** Keys from argument `position` to `last` (counted from `position`; negative counts from the end). */
export function key(position: number, flags: number, last = 0, step = 1): KeySpec {
  return { flags, begin: { kind: 'index', position }, find: { kind: 'range', last, step, limit: 0 } };
}

/** Argument `position` says how many keys follow it. */
export function countedKeys(position: number, flags: number, step = 1): KeySpec {
  return { flags, begin: { kind: 'index', position }, find: { kind: 'keynum', countAt: 0, first: 1, step } };
}

/** Keys behind a keyword. */
export function keysAfter(word: string, from: number, flags: number, last = 0, limit = 0): KeySpec {
  return { flags, begin: { kind: 'keyword', word, from }, find: { kind: 'range', last, step: 1, limit } };
}

/** Keys that only running the command can tell. */
export function unknownKeys(flags: number): KeySpec {
  return { flags, begin: { kind: 'unknown' }, find: { kind: 'unknown' } };
}

/** Which locks a command runs under. */
export const enum Route {
  /** None: it touches no key. */
  Here,
  /** The shards of its keys. */
  ByKey,
  /** One shard after the other: `call.eachShard`. */
  Each,
  /** Every shard at once. */
  All,
}

export interface Row {
  /** Upper case; a subcommand's row has the subcommand's word only. */
  readonly name: string;
  readonly since: string;
  /** Number of arguments, the name included; negative: at least that many. */
  readonly arity: number;
  readonly flags: number;
  /** ACL categories that flags cannot imply. */
  readonly acl?: readonly string[];
  readonly keys?: readonly KeySpec[];
  /** Default: ByKey when there are keys, else Here. */
  readonly route?: Route;
  /**
   * For a command that uses its keys in a second database too: that logical database, or -1 when it does not. The
   * shards its keys hash to in there are locked with the others.
   */
  readonly otherDatabase?: (call: Call) => number;
  /** Whether this request uses keys that only running it can tell, so that every shard must be locked. */
  readonly locksAll?: (call: Call) => boolean;
  /** Of a command that runs a script, and locks every shard unless this tells that it keeps to the keys it declares. */
  readonly habit?: (call: Call) => ScriptHabit;
  /** May need far more memory than its request has bytes: the limit is checked before each, not once per read. */
  readonly grows?: true;
  readonly tips?: readonly string[];
  /** One line for COMMAND DOCS. */
  readonly summary?: string;
  readonly deprecated?: boolean;
  readonly run?: Handler;
  /** What it has done, where the request itself does not say so: see effect.ts. */
  readonly effect?: Effect;
  readonly subs?: readonly Row[];
}

export interface Family {
  readonly group: string;
  readonly rows: readonly Row[];
}

/** Runs one command: reads arguments, calls the store, writes one reply. Synchronous; holds the locks of its route. */
export type Handler = (call: Call) => void;

/** States of a client in which a command may be kept from running at once, one bit each: most clients have none. */
export const enum Gate {
  None = 0,
  /** Between MULTI and EXEC: commands are queued. */
  Transaction = 1 << 0,
  /** Subscribed to a channel in RESP2: what it may ask for is little. */
  Subscribed = 1 << 1,
  /** Is shown every command: it may not touch keys. */
  Monitor = 1 << 2,
  /** Is told when what it reads changes. */
  Tracking = 1 << 3,
}

/** One client connection as a command sees it. */
export interface Client {
  readonly id: number;
  /** Set of Gate. */
  gates: number;
  /** Logical database. */
  database: number;
  /** RESP version, 2 or 3. */
  version: 2 | 3;
  name: string;
  libraryName: string;
  libraryVersion: string;
  /** It need not say who it is, or has. */
  readonly authenticated: boolean;
  /** Name of its user; `account` is the same with a character for each byte, as user tables have it. */
  readonly user: string;
  readonly account: string;
  /** What it may do; null: everything, so that nothing need be checked. */
  readonly permissions: Permissions | null;
  /** It has shown that it is this user. */
  logIn(user: User): void;
  /** Makes it the default user again, as a new client is. */
  logOut(): void;
  noTouch: boolean;
  noEvict: boolean;
  /** CLIENT REPLY: whether replies are sent; `skip` drops the next one. */
  /** Connected from this machine. */
  readonly isLocal: boolean;
  replyMode: 'on' | 'off' | 'skip' | 'skip-next';
  /** Closes the connection once the replies written so far are sent. */
  closeAfterReply(): void;
  /** Sends bytes that nobody changes any more, in order with its replies, though the client has not asked for them. */
  deliver(bytes: Uint8Array): void;
  /** One line of CLIENT LIST, without its line end. */
  describe(): string;
}

/** A parked connection: its later input waits until it is resumed. */
export interface Parked {
  /** Writes the reply and lets the connection go on. Does nothing when the client has left meanwhile. */
  resume(write: (reply: RespWriter) => void): void;
}

/** What a command that has found nothing waits for. Positions are those of arguments. */
export interface BlockRequest {
  readonly firstKey: number;
  readonly keyCount: number;
  /** What the value must be, and how many elements it must have. */
  readonly type: ValueType;
  readonly needed: number;
  /** What is to be done with it: see waiting.ts. */
  readonly operation: number;
  readonly count: number;
  /** Key to move to, 0 when nothing is moved. */
  readonly destination: number;
  /** What else the command must know when it is served, in its own writing; only where nothing is moved. */
  readonly parameters?: Bytes;
  /** 0 is for ever. */
  readonly timeoutMs: number;
}

/** The server around the commands. Topics are answered by every worker (see server/mesh.ts). */
export interface Server {
  readonly workerIndex: number;
  readonly workerCount: number;
  readonly control: ControlBlock;
  /** Asks every worker, this one included, and gathers their answers in worker order. */
  askWorkers(topic: string, payload: unknown): Promise<unknown[]>;
  /** This worker's own answer to such a question, at once. */
  answer(topic: string, payload: unknown): unknown;
  /** Asks the main thread. */
  askMain(topic: string, payload: unknown): Promise<unknown>;
  /** Asks the thread that looks after files. */
  askKeeper(topic: string, payload: unknown): Promise<unknown>;
  /** The text CONFIG GET prints for a parameter. */
  setting(name: string): string;
  /** Names and values of the parameters that CONFIG GET replies with. */
  matchSettings(patterns: readonly string[]): [name: string, text: string][];
  readonly registry: Registry;
  /** This worker's copy of the users, and what it has refused. */
  readonly users: UserTable;
  readonly accessLog: AccessLog;
  /** The version of Redis whose commands we serve. */
  readonly apiVersion: string;
  /** The text of INFO with the sections asked for; takes no lock. */
  info(sections: readonly string[]): string;
  /** Scripts and functions. */
  readonly scripts: Scripts;
  /** How long a command has taken over all workers; no calls when that is not tracked. */
  commandTimes(command: Command): CommandTimes;
  readonly pubsub: PubSub;
  readonly transactions: Transactions;
  readonly monitoring: Monitoring;
  readonly migrator: Migrator;
  readonly tracking: ClientTracking;
  /** Writes a line to the server's log. */
  logWarning(text: string): void;
}

/** One command being run. The same object serves command after command. */
export interface Call {
  /** Where the arguments lie in `source`: start at 2i, length in bytes at 2i + 1; argument 0 is the command's name. */
  readonly source: Bytes;
  readonly args: Int32Array;
  readonly count: number;
  readonly row: Row;
  readonly keyspace: Keyspace;
  /** The command's first key, located. */
  readonly key: Key;
  /** A second key for commands that hold two at once. */
  readonly otherKey: Key;
  readonly reply: RespWriter;
  /** Where its reply begins. */
  readonly replyStart: number;
  readonly client: Client;
  readonly server: Server;
  /** Physical database the command runs in. */
  readonly database: number;
  /** Points `key` at argument `index`, in the client's database. Only for arguments that are keys by the row. */
  locate(index: number, key: Key): void;
  /** Allocations that add up to less than this cannot fail in any of the shards whose locks the command holds. */
  readonly untouchedBytes: number;
  /** The data has reached its limit. */
  readonly memoryFull: boolean;
  /** Argument as text; bytes that are not UTF-8 are replaced, so never for data. */
  text(index: number): string;
  /** A copy of an argument's bytes. */
  copyArgument(index: number): Buffer;
  /** Route.Each: runs `visit` under each shard's lock in turn, until it returns false. */
  eachShard(visit: (shard: Shard) => boolean | void): void;
  /** Runs `visit` under the lock of one shard (Route.Each). */
  withShard(index: number, visit: (shard: Shard) => void): void;
  /** The reply comes later: input behind this command waits. */
  park(): Parked;
  /**
   * Whether the command may wait for other clients. In a transaction or a script it may not: there it answers at once as
   * if its time were over.
   */
  readonly mayBlock: boolean;
  /** Whether a script has called the command, which must have its reply at once. */
  readonly isInScript: boolean;
  /** Parks the client until one of the keys, which are among the row's, holds what it waits for. No reply is written. */
  block(request: BlockRequest): void;
  /** Who waits for what. */
  readonly interests: Interests;
}
