/**
 * The dispatcher: one request in, one reply out. Finds the command, makes every check that its row asks for, takes the
 * locks of its keys' shards, runs the handler, journals what it changed, gives the locks back. Everything that happens
 * to every command happens here and nowhere else.
 */
import { AssertionError } from '../base/assert.ts';
import { Bytes } from '../base/bytes.ts';
import { CommandCounter, Control, Counter } from '../memory/control.ts';
import { ErrorCounts } from '../memory/error-counts.ts';
import { lockShardUnlessBusy, unlockShard } from '../memory/lock.ts';
import { Head, type Shard } from '../memory/shard.ts';
import { ReplyTooLargeError, RespWriter } from '../protocol/resp-writer.ts';
import { Key } from '../store/key.ts';
import type { Interests } from '../store/interests.ts';
import { FETCH_AHEAD_MAX, type Keyspace } from '../store/keyspace.ts';
import type { Command, Registry } from '../commands/registry.ts';
import { collectKeyPositions } from '../commands/key-positions.ts';
import {
  BUSY_FUNCTION,
  BUSY_SCRIPT,
  NO_AUTH,
  OUT_OF_MEMORY,
  unknownCommandText,
  wrongArity,
} from '../commands/replies.ts';
import {
  type BlockRequest,
  type Call,
  type Client,
  Flag,
  Gate,
  KeyFlag,
  type Parked,
  Route,
  type Row,
  type Server,
} from '../commands/row.ts';
import type { ServedWait } from '../commands/waiting.ts';
import type { Blocking } from './blocking/blocking.ts';
import { refuseByState } from './gates.ts';
import { HttpGuard } from './http-guard.ts';
import { log } from './log.ts';
import type { Monitors } from './monitor/monitors.ts';
import type { Tracking } from './tracking/tracking.ts';
import { Observer } from './observer.ts';
import { type GivenArguments, Request } from './request.ts';
import { ShardLocks } from './shard-locks.ts';
import { ShardBusyError, underLock } from './visiting.ts';

/** A connection that can be made to wait for a reply. */
export interface ParkableClient extends Client {
  /** The last command asked for, for CLIENT LIST; null when there was none of that name. */
  lastCommand: Command | null;
  park(): Parked;
  /** As CLIENT LIST prints it. */
  readonly address: string;
  /** It waits for data, and nobody knows how long. */
  blocked: boolean;
  /** The reply under way, of which nothing has been sent, was given up: it grew larger than `RespWriter.bytesMax`. */
  refuseReply(): void;
}

/** Told of every request that changed something, while its locks are held: the journal's one entrance. */
export interface Journal {
  append(call: Call): void;
  /** What was done for a client that had been waiting: `waitEffect` tells it as a request. */
  appendServed(served: ServedWait): void;
}

/** Flags that only the commands have which run others. */
const RUNS_OTHERS = Flag.NoScript | Flag.MayReplicate;
const NO_ARGUMENTS = new Int32Array(0);
const NO_JOURNAL: Journal = { append: () => {}, appendServed: () => {} };
const TOO_MANY_WAITS = 'OOM no memory left for another client that waits';
/** One read in this many has each of its commands timed, and each of them stands for as many. */
const SAMPLE_READS = 16;
/** So little data is in the processor's cache all the time, and need not be fetched into it. */
const CACHED_BYTES_MAX = 64 << 10;
/** A command that takes longer than this on average is timed whenever it runs: the clock costs 1 % of that. */
const ALWAYS_TIMED_US = 8;

export class Dispatcher implements Call {
  readonly keyspace: Keyspace;
  readonly registry: Registry;
  readonly server: Server;
  readonly key: Key;
  readonly otherKey: Key;
  reply: RespWriter;
  source: Bytes;
  args: Int32Array = NO_ARGUMENTS;
  count = 0;
  row!: Row;
  client!: ParkableClient;
  database = 0;
  mayBlock = true;
  journal: Journal = NO_JOURNAL;
  /** Set of Observer. */
  observers: number = Observer.None;
  monitors: Monitors | null = null;
  tracking: Tracking | null = null;
  /** While set, commands that may grow the data are refused. The owner renews it once per read. */
  memoryFull = false;
  /** Limit on the data, 0 for none. */
  memoryBytesMax = 0;
  /** CLIENT PAUSE: until when (0: not at all), and whether for all commands or only for those that write. */
  readonly pause = { untilMs: 0, all: false };
  private readonly aheadHashes = new Int32Array(FETCH_AHEAD_MAX);
  private aheadCount = 0;
  /** The physical database that the hashes of the last `prepare` are for. */
  private preparedDatabase = -1;
  readonly locks: ShardLocks;
  private readonly blocking: Blocking;
  private readonly commandCounters: Float64Array;
  private readonly counters: Float64Array;
  private readonly errorCounts: ErrorCounts;
  private readonly keyPositions: number[] = [];
  private keyHashes = new Int32Array(64);
  /** Where the reply of the command being run begins. */
  private replyStart = 0;
  private readonly keptPushes: Uint8Array[] = [];
  private readonly httpGuard = new HttpGuard();
  private readCount = 0;
  private sampling = false;

  constructor(keyspace: Keyspace, registry: Registry, server: Server, blocking: Blocking) {
    this.keyspace = keyspace;
    this.registry = registry;
    this.server = server;
    this.blocking = blocking;
    this.key = new Key(keyspace.shards[0]!);
    this.otherKey = new Key(keyspace.shards[0]!);
    this.reply = new RespWriter();
    this.source = this.reply.bytes;
    this.locks = new ShardLocks(keyspace.shards);
    this.counters = keyspace.counters;
    this.errorCounts = new ErrorCounts(server.control.memory);
    this.commandCounters = server.control.commandCounters(server.workerIndex);
  }

  /** Lets go of the input of the last request; `source` is any other input. Not while a command runs. */
  release(source: Bytes): void {
    this.source = source;
    this.key.bytes = source;
    this.otherKey.bytes = source;
    this.args = NO_ARGUMENTS;
  }

  get interests(): Interests {
    return this.blocking.interests;
  }

  /** Must be called once per read of a socket: renews the time commands see. */
  beginRead(): void {
    this.keyspace.setTime(Date.now());
    this.sampling = ++this.readCount % SAMPLE_READS === 0;
  }

  /** Renews `memoryFull`, for data that is about to grow by `addedBytes`. */
  checkMemory(addedBytes: number): void {
    const limit = this.memoryBytesMax;
    const usedBytes = this.keyspace.usedBytes();
    this.memoryFull = limit > 0 && usedBytes + addedBytes > limit;
    this.keyspace.isCached = usedBytes < CACHED_BYTES_MAX;
  }

  /**
   * Looks up what the first `count` requests of `ahead` ask for, and has the memory of their keys fetched. Changes
   * nothing and takes no lock: what it finds is checked again when they are run.
   */
  prepare(ahead: readonly Request[], count: number, client: ParkableClient): void {
    const { keyspace, registry } = this;
    const database = keyspace.physicalDatabase(client.database);
    this.preparedDatabase = database;
    const hashes = this.aheadHashes;
    let hashCount = 0;
    for (let i = 0; i < count; i++) {
      const request = ahead[i]!;
      const { args, source } = request;
      const command = registry.find(source.u8, args[0]!, args[1]!);
      request.command = command;
      if (command === null) continue;
      const position = command.singleKey;
      if (position === 0 || position >= request.count) continue;
      request.hash = keyspace.hash(source, args[position * 2]!, args[position * 2 + 1]!, database);
      hashes[hashCount++] = request.hash;
    }
    keyspace.fetchAhead(hashes, hashCount);
  }

  /**
   * Runs one request; its reply is in `reply` unless the client was parked. `prepared`: it was part of the last
   * `prepare`. False: the request must wait for the end of a CLIENT PAUSE, nothing was done.
   */
  run(request: Request, prepared: boolean, client: ParkableClient): boolean {
    this.source = request.source;
    this.args = request.args;
    this.count = request.count;
    this.client = client;
    const reply = this.reply;
    const start = reply.at;
    this.replyStart = start;
    reply.version = client.version;
    const found = prepared
      ? request.command
      : this.registry.find(this.source.u8, this.args[0]!, this.args[1]!);
    const command = found === null || found.subs !== null ? this.resolve(found) : found;
    if (this.pause.untilMs !== 0 && command !== null && this.isPaused(command)) return false;
    this.counters[Counter.CommandsProcessed]!++;
    client.lastCommand = command;
    if (client.noTouch) this.keyspace.touchOnRead = false;
    if (command !== null && this.mayRun(command)) {
      if ((client.gates | this.observers) === 0) this.runCommand(command, request.hash);
      else if (this.passesGates(command)) this.runObserved(command, request);
    }
    this.keyspace.touchOnRead = true;
    if (client.replyMode !== 'on') this.dropReply(start);
    return true;
  }

  /** Whether a CLIENT PAUSE holds this command back. CLIENT runs, and what leads to it, so that UNPAUSE can. */
  private isPaused(command: Command): boolean {
    if (this.keyspace.nowMs >= this.pause.untilMs) return false;
    if ((command.flags & Flag.NoAuth) !== 0 || command.name.startsWith('client|')) return false;
    return this.pause.all || (command.flags & (Flag.Write | Flag.MayReplicate)) !== 0;
  }

  /** Runs `parts` as a request of `client` and writes the reply into `into` instead of the client's own. */
  executeInto(into: RespWriter, client: ParkableClient, parts: readonly (string | Uint8Array)[]): void {
    const request = Request.of(parts);
    const { reply, source, args, count, database, row, replyStart, mayBlock } = this;
    const outerClient = this.client;
    this.reply = into;
    this.mayBlock = false;
    this.run(request, false, client);
    Object.assign(this, { reply, source, args, count, database, row, replyStart, mayBlock });
    this.client = outerClient;
  }

  /**
   * Runs a command of a script under the locks of every shard, which the script's own command holds: its reply goes into
   * `into`. All checks have been made. Who waits for what it gives to keys is served when the script's command ends.
   */
  runHeld(command: Command, request: GivenArguments, into: RespWriter): void {
    const { reply, source, args, count, database, row, replyStart, mayBlock } = this;
    this.reply = into;
    this.replyStart = into.at;
    this.source = request.source;
    this.args = request.args;
    this.count = request.count;
    this.row = command.row;
    this.mayBlock = false;
    this.readDatabase();
    if (command.keys.length > 0) this.hashKeys(command);
    const counter = command.id * CommandCounter.Count;
    this.commandCounters[counter + CommandCounter.Calls]!++;
    const errors = into.errorCount;
    const { client, monitors } = this;
    if (monitors !== null && (this.observers & Observer.Monitor) !== 0) {
      monitors.show(command, request, client, true);
    }
    const isTracked = (client.gates & Gate.Tracking) !== 0;
    if (isTracked) {
      this.tracking!.expectReads(client, command, this.findKeys(command), this.source, this.args);
    }
    try {
      this.runAndJournal(command);
      if (isTracked) this.tracking!.rememberReads(client);
    } finally {
      if (into.errorCount !== errors) {
        this.commandCounters[counter + CommandCounter.Failed]!++;
        this.countError();
      }
      Object.assign(this, { reply, source, args, count, database, row, replyStart, mayBlock });
    }
  }

  private dropReply(start: number): void {
    const client = this.client;
    if (client.replyMode === 'skip-next') client.replyMode = 'skip';
    else {
      this.reply.at = start;
      if (client.replyMode === 'skip') client.replyMode = 'on';
    }
    if (this.keptPushes.length > 0) for (const push of this.keptPushes.splice(0)) this.reply.whole(push);
  }

  /** What the client, whose reply will be dropped, is told nevertheless. */
  keepPush(bytes: Uint8Array): void {
    this.keptPushes.push(bytes);
  }

  /** The subcommand asked for where there are any; null when there is no such command (the error is written). */
  private resolve(command: Command | null): Command | null {
    if (command === null) return this.unknownCommand();
    if (command.subs === null || this.count < 2) return command;
    return command.subs.get(this.text(1).toLowerCase()) ?? this.unknownSubcommand(command);
  }

  private unknownCommand(): null {
    if (this.httpGuard.refuses(this.text(0), this.client, this.keyspace.nowMs)) return null;
    this.fail(unknownCommandText(this));
    return null;
  }

  private unknownSubcommand(command: Command): null {
    const name = this.text(1).slice(0, 128);
    this.fail(`ERR unknown subcommand '${name}'. Try ${command.row.name} HELP.`);
    return null;
  }

  /** An error of the request itself, before any command ran. */
  private fail(text: string): false {
    this.reply.error(text);
    this.countError();
    return false;
  }

  /** Counts the error reply just written, by its code. */
  countError(): void {
    this.counters[Counter.ErrorReplies]!++;
    this.errorCounts.count(this.reply.lastError);
  }

  private reject(command: Command, text: string): false {
    this.commandCounters[command.id * CommandCounter.Count + CommandCounter.Rejected]!++;
    return this.fail(text);
  }

  /** Arity, authentication and memory, in Redis' order. */
  private mayRun(command: Command): boolean {
    const arity = command.arity;
    if (arity >= 0 ? this.count !== arity : this.count < -arity) {
      this.commandCounters[command.id * CommandCounter.Count + CommandCounter.Rejected]!++;
      wrongArity(this.reply, command.name);
      this.countError();
      return false;
    }
    if (!this.client.authenticated && (command.flags & Flag.NoAuth) === 0)
      return this.reject(command, NO_AUTH);
    // One read may bring thousands of requests that each make half a gigabyte of fifty bytes.
    if (command.grows && !this.memoryFull) this.checkMemory(0);
    if (this.memoryFull && (command.flags & Flag.DenyOom) !== 0) return this.reject(command, OUT_OF_MEMORY);
    return true;
  }

  /** Whether the state of the client lets the command run now; otherwise it has got its reply. */
  private passesGates(command: Command): boolean {
    const refusal = refuseByState(command, this.client);
    return refusal === null || this.reject(command, refusal);
  }

  /** Runs a command at which somebody looks. Redis: MONITOR shows a script before the commands that it runs. */
  private runObserved(command: Command, request: Request): void {
    const { client, monitors } = this;
    const isShown = monitors !== null && (this.observers & Observer.Monitor) !== 0;
    const isScript = (command.flags & Flag.SkipMonitor) !== 0;
    if (isShown && isScript) monitors.show(command, request, client, false);
    if ((client.gates & Gate.Tracking) === 0) this.runCommand(command, request.hash);
    else this.runTracked(command, request.hash);
    if (isShown && !isScript) monitors.show(command, request, client, false);
  }

  /** Runs a command whose client is to be told when what it reads changes. */
  private runTracked(command: Command, hash: number): void {
    const { client, replyStart } = this;
    const tracking = this.tracking!;
    const isOutermost = tracking.begin(client);
    tracking.expectReads(client, command, this.findKeys(command), this.source, this.args);
    this.runCommand(command, hash);
    tracking.rememberReads(client);
    if (isOutermost) tracking.end(client, command, this.reply, replyStart);
  }

  private runCommand(command: Command, hash: number): void {
    const counters = this.commandCounters;
    const counter = command.id * CommandCounter.Count;
    this.row = command.row;
    const calls = counters[counter]! + 1;
    counters[counter] = calls;
    const errors = this.reply.errorCount;
    const isSlow =
      counters[counter + CommandCounter.Usec]! > counters[counter + CommandCounter.Timed]! * ALWAYS_TIMED_US;
    if (isSlow || calls === 1) this.runTimed(command, counter, hash, 1);
    else if (this.sampling) this.runTimed(command, counter, hash, SAMPLE_READS);
    else this.runRouted(command, hash);
    if (this.reply.errorCount !== errors) {
      counters[counter + CommandCounter.Failed]!++;
      this.countError();
    }
  }

  /** Measures a run that stands for `weight` runs. Weighted so, the mean is right however often a command was timed. */
  private runTimed(command: Command, counter: number, hash: number, weight: number): void {
    const started = performance.now();
    this.runRouted(command, hash);
    this.commandCounters[counter + CommandCounter.Usec]! += (performance.now() - started) * 1000 * weight;
    this.commandCounters[counter + CommandCounter.Timed]! += weight;
  }

  private runRouted(command: Command, hash: number): void {
    if (command.singleKey !== 0) this.runSingleKey(command, hash);
    else if (command.route === Route.ByKey) this.runManyKeys(command);
    else if (command.route === Route.All) this.runAll(command);
    else {
      this.readDatabase();
      this.runGuarded(command);
      if (this.blocking.hasReady) this.serveLater();
    }
  }

  /**
   * Finds the client's physical database. Returns the version of the map, read before the map: when it is still the
   * same under the lock of the key's shard, no SWAPDB has come between.
   */
  private readDatabase(): number {
    const words = this.keyspace.control.words;
    const version = words[Control.DatabaseMapVersion]!;
    this.database = words[Control.DatabaseMap + this.client.database]!;
    return version;
  }

  /** Hot: the path of GET and SET. `hash` is that of the key in `preparedDatabase`, or -1 when it is not known. */
  private runSingleKey(command: Command, hash: number): void {
    const { keyspace, key } = this;
    const words = keyspace.control.words;
    const at = this.args[command.singleKey * 2]!;
    const byteCount = this.args[command.singleKey * 2 + 1]!;
    for (;;) {
      const version = this.readDatabase();
      const isKnown = hash >= 0 && this.database === this.preparedDatabase;
      const keyHash = isKnown ? hash : keyspace.hash(this.source, at, byteCount, this.database);
      keyspace.locateHashed(key, this.source, at, byteCount, this.database, keyHash);
      const shard = key.shard;
      if (!lockShardUnlessBusy(shard)) return this.refuseBusy(command);
      if (words[Control.DatabaseMapVersion] !== version) {
        unlockShard(shard);
        continue;
      }
      if (shard.heads[shard.head + Head.Interests] !== 0) return this.runAwaited(command, shard);
      try {
        this.runAndJournal(command);
      } catch (error) {
        unlockShard(shard);
        return this.failed(command, error);
      }
      unlockShard(shard);
      return;
    }
  }

  /** The rest of `runSingleKey` where somebody waits for keys of the shard, whose lock is held. */
  private runAwaited(command: Command, shard: Shard): void {
    if ((command.flags & Flag.Write) !== 0 && this.interests.awaitsMove(this.key)) {
      unlockShard(shard);
      return this.runAll(command);
    }
    const failure = this.runAndServe(command, false);
    unlockShard(shard);
    if (failure !== null) this.failed(command, failure);
  }

  private runManyKeys(command: Command): void {
    const words = this.keyspace.control.words;
    for (;;) {
      const version = this.readDatabase();
      this.hashKeys(command);
      if (!this.locks.lockWantedUnlessBusy()) return this.refuseBusy(command);
      if (words[Control.DatabaseMapVersion] === version) break;
      this.locks.release();
    }
    const isWrite = (command.flags & Flag.Write) !== 0;
    if (isWrite && !this.locks.areAll && this.locks.haveInterests && this.mayMove(command)) {
      this.locks.release();
      return this.runAll(command);
    }
    this.runLocked(command);
  }

  /** Whether what the command gives to its keys may have to be moved on to others, whose shards are not locked. */
  private mayMove(command: Command): boolean {
    if (command.row.otherDatabase !== undefined) return true;
    const positions = this.findKeys(command);
    for (let i = 0; i < positions.length; i += 2) {
      if ((positions[i + 1]! & KeyFlag.NotKey) !== 0) continue;
      this.locate(positions[i]!, this.otherKey);
      if (this.interests.awaitsMove(this.otherKey)) return true;
    }
    return false;
  }

  private hashKeys(command: Command): void {
    if (this.keyHashes.length < this.count) this.keyHashes = new Int32Array(this.count * 2);
    this.aheadCount = 0;
    if (command.keyFirst !== 0) this.hashRange(command);
    else this.hashSpecified(command);
    if (this.aheadCount > 1) this.keyspace.fetchAhead(this.aheadHashes, this.aheadCount);
    if (command.row.locksAll?.(this) === true) this.locks.wantAll();
    if (command.row.otherDatabase !== undefined) {
      this.wantInDatabase(command, command.row.otherDatabase(this));
    }
  }

  /** Hot: MGET, MSET and DEL, whose keys stand one after the other. */
  private hashRange(command: Command): void {
    const { keyspace, source, args, database, keyHashes, locks, aheadHashes } = this;
    const { keyFirst, keyLast, keyStep } = command;
    const last = keyLast < 0 ? this.count + keyLast : keyFirst + keyLast;
    let aheadCount = 0;
    for (let position = keyFirst; position <= last; position += keyStep) {
      const hash = keyspace.hash(source, args[position * 2]!, args[position * 2 + 1]!, database);
      keyHashes[position] = hash;
      locks.want(keyspace.shardIndexOf(hash));
      if (aheadCount === FETCH_AHEAD_MAX) {
        keyspace.fetchAhead(aheadHashes, aheadCount);
        aheadCount = 0;
      }
      aheadHashes[aheadCount++] = hash;
    }
    this.aheadCount = aheadCount;
    this.locate(keyFirst, this.key);
  }

  private hashSpecified(command: Command): void {
    const positions = this.findKeys(command);
    for (let i = 0; i < positions.length; i += 2) {
      if ((positions[i + 1]! & KeyFlag.NotKey) === 0) this.hashKey(positions[i]!);
    }
    if (positions.length > 0) this.locate(positions[0]!, this.key);
  }

  /** Positions and KeyFlag sets of the request's keys, pair by pair. */
  private findKeys(command: Command): readonly number[] {
    const positions = this.keyPositions;
    positions.length = 0;
    collectKeyPositions(command, { u8: this.source.u8, args: this.args, count: this.count }, positions);
    return positions;
  }

  private hashKey(position: number): void {
    const { keyspace, args } = this;
    const hash = keyspace.hash(this.source, args[position * 2]!, args[position * 2 + 1]!, this.database);
    this.keyHashes[position] = hash;
    this.locks.want(keyspace.shardIndexOf(hash));
    this.aheadHashes[this.aheadCount++] = hash;
    if (this.aheadCount < FETCH_AHEAD_MAX) return;
    keyspace.fetchAhead(this.aheadHashes, this.aheadCount);
    this.aheadCount = 0;
  }

  /** Wants the shards of the command's keys in another logical database too; there may be no such database. */
  private wantInDatabase(command: Command, logical: number): void {
    if (logical < 0 || logical >= Number(this.server.setting('databases'))) return;
    const database = this.keyspace.physicalDatabase(logical);
    const positions = this.findKeys(command);
    for (let i = 0; i < positions.length; i += 2) {
      const at = positions[i]! * 2;
      const hash = this.keyspace.hash(this.source, this.args[at]!, this.args[at + 1]!, database);
      this.locks.want(this.keyspace.shardIndexOf(hash));
    }
  }

  private runAll(command: Command): void {
    this.locks.wantAll();
    if (!this.locks.lockWantedUnlessBusy()) return this.refuseBusy(command);
    this.readDatabase();
    if (command.keys.length > 0) this.hashKeys(command);
    this.runLocked(command);
  }

  /** Runs the command under the locks held and gives them back. */
  private runLocked(command: Command): void {
    const failure = this.runAndServe(command, this.locks.areAll);
    this.locks.release();
    if (failure !== null) this.failed(command, failure);
  }

  /** Runs the command and serves who waits for what it has given to keys. Returns what was thrown, or null. */
  private runAndServe(command: Command, allLocked: boolean): unknown {
    let failure: unknown = null;
    try {
      this.runAndJournal(command);
    } catch (error) {
      failure = error;
      if (error instanceof AssertionError) return error;
    }
    // Also after a handler that has thrown: it may have done all but its reply.
    if (!this.blocking.hasReady) return failure;
    try {
      this.blocking.serve(this.journal, allLocked, this.reply.bytesMax);
    } catch (error) {
      failure = error;
    }
    return failure;
  }

  /** A command without locks of its own has taken and given back those of keys for which clients wait. */
  private serveLater(): void {
    this.locks.wantAll();
    this.locks.lockWanted();
    try {
      this.blocking.serve(this.journal, true, this.reply.bytesMax);
    } finally {
      this.locks.release();
    }
  }

  private runGuarded(command: Command): void {
    try {
      this.runAndJournal(command);
    } catch (error) {
      this.failed(command, error);
    }
  }

  private runAndJournal(command: Command): void {
    const { changes } = this.keyspace;
    try {
      command.run(this);
    } catch (error) {
      // What it has changed stays changed, though its client will not hear of it.
      if (error instanceof ReplyTooLargeError && this.keyspace.changes !== changes) this.journal.append(this);
      throw error;
    }
    // What a script has changed was journalled command by command.
    if (this.keyspace.changes !== changes && (command.flags & RUNS_OTHERS) !== RUNS_OTHERS) {
      this.journal.append(this);
    }
  }

  /** A handler threw, which is our bug. A broken invariant of memory must be neither served nor saved: it goes on up. */
  private failed(command: Command, error: unknown): void {
    // What the handler has written is a part of a reply at best: the client must not take the error for its next part.
    this.reply.at = this.replyStart;
    if (error instanceof ReplyTooLargeError) return this.client.refuseReply();
    if (error instanceof ShardBusyError) return this.refuseBusy(command);
    log.error(`command ${command.name} failed`, error);
    if (error instanceof AssertionError) throw error;
    this.counters[Counter.UnexpectedErrors]!++;
    this.reply.error('ERR internal error');
  }

  /** A script has been running for long on a shard that the command needs. Nothing was done. */
  private refuseBusy(command: Command): void {
    this.commandCounters[command.id * CommandCounter.Count + CommandCounter.Rejected]!++;
    this.reply.error(this.server.scripts.states.isFunctionRunning ? BUSY_FUNCTION : BUSY_SCRIPT);
  }

  locate(index: number, key: Key): void {
    const at = index * 2;
    const args = this.args;
    this.keyspace.locateHashed(
      key,
      this.source,
      args[at]!,
      args[at + 1]!,
      this.database,
      this.keyHashes[index]!,
    );
  }

  get untouchedBytes(): number {
    return this.locks.isHoldingAny ? this.locks.untouchedBytes() : this.key.shard.untouchedBytes;
  }

  text(index: number): string {
    const start = this.args[index * 2]!;
    return this.source.u8.toString('utf8', start, start + this.args[index * 2 + 1]!);
  }

  copyArgument(index: number): Buffer {
    const start = this.args[index * 2]!;
    return Buffer.from(this.source.u8.subarray(start, start + this.args[index * 2 + 1]!));
  }

  eachShard(visit: (shard: Shard) => boolean | void): void {
    const isHeld = this.locks.areAll;
    for (const shard of this.keyspace.shards) {
      if ((isHeld ? visit(shard) : underLock(shard, visit)) === false) return;
    }
  }

  withShard(index: number, visit: (shard: Shard) => void): void {
    const shard = this.keyspace.shards[index]!;
    if (this.locks.areAll) visit(shard);
    else underLock(shard, visit);
  }

  park(): Parked {
    return this.client.park();
  }

  block(request: BlockRequest): void {
    const { source, args, database } = this;
    const keys = { source, args, first: request.firstKey, count: request.keyCount, database };
    if (!this.blocking.block(this.client, request, keys)) this.reply.error(TOO_MANY_WAITS);
  }
}
