/**
 * The dispatcher: one request in, one reply out. Finds the command, makes every check that its row asks for, takes the
 * locks of its keys' shards, runs the handler, journals what it changed, gives the locks back. Everything that happens
 * to every command happens here and nowhere else.
 */
import { AssertionError } from '../base/assert.ts';
import { Bytes } from '../base/bytes.ts';
import { Control, Counter } from '../memory/control.ts';
import { lockShardUnlessBusy, unlockShard } from '../memory/lock.ts';
import { Head, Interest, type Shard } from '../memory/shard.ts';
import { ReplyTooLargeError, RespWriter } from '../protocol/resp-writer.ts';
import { Key } from '../store/key.ts';
import type { Interests } from '../store/interests.ts';
import type { Keyspace } from '../store/keyspace.ts';
import type { Command, Registry } from '../commands/registry.ts';
import { ScriptHabit, ScriptStrayedError } from '../scripting/script-habits.ts';
import {
  BUSY_FUNCTION,
  BUSY_SCRIPT,
  NO_AUTH,
  OUT_OF_MEMORY,
  TOO_MANY_WAIT_KEYS,
  TOO_MANY_WAITS,
  wrongArityText,
} from '../commands/replies.ts';
import {
  type BlockRequest,
  type Call,
  Flag,
  Gate,
  type Parked,
  Route,
  type Row,
  type Server,
} from '../commands/row.ts';
import type { Blocking } from './blocking/blocking.ts';
import type { MemoryGuard } from './eviction/memory-guard.ts';
import { isPaused, isQueued, refuseByState, type Pause } from './gates.ts';
import { type Journal, NO_JOURNAL } from './journal/journal.ts';
import { KeyHashes } from './key-hashes.ts';
import { CommandMeter } from './info/command-meter.ts';
import { log } from './log.ts';
import type { Monitors } from './monitor/monitors.ts';
import type { Notices } from './pubsub/notices.ts';
import type { Tracking } from './tracking/tracking.ts';
import { Observer } from './observer.ts';
import { ReadAhead } from './read-ahead.ts';
import type { Request, RequestArguments } from './request.ts';
import type { ParkableClient } from './parkable-client.ts';
import { ScriptLocks } from './script-locks.ts';
import type { ServerState } from './server-state.ts';
import { ShardLocks } from './shard-locks.ts';
import { ShardBusyError, underLock } from './visiting.ts';
import { refuseLateReply } from './transactions/late-replies.ts';
import { QueueRun } from './transactions/queue-run.ts';
import type { Held } from './transactions/transaction.ts';
import { closeHttp, isHttp, unknownCommandText, unknownSubcommandText } from './unknown-command.ts';
import { type CommandWatch, isBulky, Watching } from './slow/command-watch.ts';

/** Flags that only the commands have which run others. */
const RUNS_OTHERS = Flag.NoScript | Flag.MayReplicate;
/** Flags of commands that may make the data grow, or run others that do. */
const MAY_GROW = Flag.DenyOom | Flag.MayReplicate;
const NO_ARGUMENTS = new Int32Array(0);

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
  /** What SLOWLOG and LATENCY must see, and who looks. */
  watching: Watching = Watching.Nothing;
  watch: CommandWatch | null = null;
  /** Set of Observer. */
  observers: number = Observer.None;
  state: ServerState | null = null;
  monitors: Monitors | null = null;
  notices: Notices | null = null;
  /** The commands run are those of a script: a monitor is shown them as such. */
  isInScript = false;
  tracking: Tracking | null = null;
  guard!: MemoryGuard;
  readonly pause: Pause = { untilMs: 0, all: false };
  /** Looks at requests before they are run. */
  readonly ahead: ReadAhead;
  readonly locks: ShardLocks;
  readonly scriptLocks: ScriptLocks;
  private readonly blocking: Blocking;
  private readonly meter: CommandMeter;
  private readonly counters: Float64Array;
  private readonly keys: KeyHashes;
  /** Where the reply of the command being run begins. */
  replyStart = 0;
  /** Commands of transactions. */
  readonly queueRun = new QueueRun();
  private readonly keptPushes: Uint8Array[] = [];
  /** Commands run under locks that a transaction or a script has taken. */
  private isHolding = false;

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
    this.scriptLocks = new ScriptLocks(this.locks, keyspace, server);
    this.keys = new KeyHashes(keyspace, this.locks);
    this.counters = keyspace.counters;
    this.ahead = new ReadAhead(keyspace, registry);
    this.meter = new CommandMeter(server.control, server.workerIndex);
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
    this.meter.beginRead();
  }

  get memoryFull(): boolean {
    return this.guard.isFull;
  }

  /**
   * Runs one request; its reply is in `reply` unless the client was parked. `prepared`: it was part of the last
   * `ahead.prepare`. False: the request must wait for the end of a CLIENT PAUSE, nothing was done.
   */
  run(request: Request, prepared: boolean, client: ParkableClient): boolean {
    this.take(request);
    this.client = client;
    const reply = this.reply;
    const start = reply.at;
    this.replyStart = start;
    reply.version = client.version;
    const found = prepared
      ? request.command
      : this.registry.find(this.source.u8, this.args[0]!, this.args[1]!);
    const command = found === null || found.subs !== null ? this.resolve(found) : found;
    if (this.pause.untilMs !== 0 && isPaused(command, this.pause, this.keyspace.nowMs)) return false;
    this.counters[Counter.CommandsProcessed]!++;
    client.lastCommand = command;
    if (client.noTouch) this.keyspace.touchOnRead = false;
    if (command !== null && this.mayRun(command)) {
      if ((client.gates | this.observers) === 0) this.runCommand(command, request.hash);
      else if (this.passesGates(command)) this.runObserved(command, request, request.hash);
    }
    this.keyspace.touchOnRead = true;
    if (client.replyMode !== 'on') this.dropReply(start);
    return true;
  }

  /**
   * Runs a command of a script under the locks that the script's own command holds, and if need be more: its reply goes into
   * `into`. All checks have been made. Who waits for what it gives to keys is served when the script's command ends.
   */
  runHeld(command: Command, request: RequestArguments, into: RespWriter): void {
    const { reply, source, args, count, database, row, replyStart, mayBlock, isHolding } = this;
    this.reply = into;
    this.replyStart = into.at;
    this.take(request);
    this.mayBlock = false;
    this.isHolding = true;
    this.isInScript = true;
    try {
      if (this.locks.isScoped) this.scriptLocks.check(this, command);
      if ((this.client.gates | this.observers) === 0) this.runCommand(command, -1);
      else this.runObserved(command, request, -1);
    } finally {
      this.reply = reply;
      this.source = source;
      this.args = args;
      this.count = count;
      this.database = database;
      this.row = row;
      this.replyStart = replyStart;
      this.mayBlock = mayBlock;
      this.isHolding = isHolding;
      this.isInScript = false;
    }
  }

  /**
   * Runs a request that no client has sent, for one that waits for what it is part of, in a logical database: unchecked, and
   * its reply goes nowhere. Not while a command runs.
   */
  runAside(command: Command, request: Request, client: ParkableClient, database: number): void {
    const { at } = this.reply;
    const selected = client.database;
    this.take(request);
    this.client = client;
    this.replyStart = at;
    this.keyspace.setTime(Date.now());
    client.database = database;
    if (this.observers === Observer.None) this.runCommand(command, -1);
    else this.runObserved(command, request, -1);
    client.database = selected;
    this.reply.at = at;
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
    const found = command.subs.get(this.text(1).toLowerCase());
    if (found === undefined) this.fail(unknownSubcommandText(this, command));
    return found ?? null;
  }

  private unknownCommand(): null {
    if (isHttp(this)) closeHttp(this.client, this.keyspace.nowMs);
    else this.fail(unknownCommandText(this));
    return null;
  }

  /** An error of the request itself, before any command ran. */
  private fail(text: string): false {
    this.reply.error(text);
    this.countError();
    if (this.client.transaction !== null) this.client.transaction.isBroken = true;
    return false;
  }

  /** Counts the error reply just written, by its code. */
  countError(): void {
    this.meter.countError(this.reply.lastError);
  }

  private reject(command: Command, text: string): false {
    this.meter.countRejected(command);
    return this.fail(command.name === 'exec' ? this.server.transactions.abort(this.client, text) : text);
  }

  /** Arity, authentication and memory, in Redis' order. */
  private mayRun(command: Command): boolean {
    const arity = command.arity;
    if (arity >= 0 ? this.count !== arity : this.count < -arity) {
      return this.reject(command, wrongArityText(command.name));
    }
    if (!this.client.authenticated && (command.flags & Flag.NoAuth) === 0)
      return this.reject(command, NO_AUTH);
    if (this.client.permissions !== null) {
      const refusal = this.server.accessLog.refuse(this.client, command, this);
      if (refusal !== null) return this.reject(command, refusal);
    }
    if ((command.flags & MAY_GROW) !== 0) this.guard.admitRequest(this, command);
    if (this.guard.isFull && ((command.flags & Flag.DenyOom) !== 0 || isQueued(command, this.client)))
      return this.reject(command, OUT_OF_MEMORY);
    return true;
  }

  /** Whether the state of the client lets the command run now; otherwise it has got its reply. */
  private passesGates(command: Command): boolean {
    const { client, state } = this;
    const isStateLooked = state !== null && (this.observers & Observer.State) !== 0;
    const refusal = (isStateLooked ? state.refuse(command, client) : null) ?? refuseByState(command, client);
    if (refusal !== null) return this.reject(command, refusal);
    if (!isQueued(command, client)) return true;
    this.server.transactions.queue(this, command);
    return false;
  }

  /** Runs a command at which somebody looks. Redis: MONITOR shows a script before the commands that it runs. */
  runObserved(command: Command, request: RequestArguments, hash: number): void {
    const { client, monitors } = this;
    const isShown = monitors !== null && (this.observers & Observer.Monitor) !== 0;
    const isScript = (command.flags & Flag.SkipMonitor) !== 0;
    if (isShown && isScript) monitors.show(command, request, client, this.isInScript);
    const notices = (this.observers & Observer.Notices) === 0 ? null : this.notices;
    const outer = notices === null ? null : notices.begin();
    if ((client.gates & Gate.Tracking) === 0) this.runCommand(command, hash);
    else this.runTracked(command, hash);
    notices?.end(outer, command, request);
    if (isShown && !isScript) monitors.show(command, request, client, this.isInScript);
  }

  /** Runs a command whose client is to be told when what it reads changes. */
  private runTracked(command: Command, hash: number): void {
    const { client, replyStart, reply } = this;
    const { clearCount } = reply;
    const tracking = this.tracking!;
    const isOutermost = tracking.begin(client);
    if (tracking.remembers(client, command)) this.expectReads(tracking, command, hash);
    this.runCommand(command, hash);
    tracking.rememberReads(client);
    // A command that closes other clients has what was written before sent, and then begins at the start.
    const start = reply.clearCount === clearCount ? replyStart : 0;
    if (isOutermost) tracking.end(client, command, reply, start);
  }

  private expectReads(tracking: Tracking, command: Command, hash: number): void {
    const { source, args } = this;
    const at = command.singleKey * 2;
    if (at === 0) tracking.expectReads(this.keys.find(this, command), source, args);
    else tracking.expectRead(source, args[at]!, args[at + 1]!, hash, this.ahead.database);
  }

  private runCommand(command: Command, hash: number): void {
    this.row = command.row;
    const errors = this.reply.errorCount;
    const weight = this.meter.count(command);
    if (weight === 0) this.runRouted(command, hash);
    else this.runTimed(command, weight, hash);
    if (this.reply.errorCount !== errors) {
      this.meter.countFailed(command);
      this.countError();
    }
    if (this.watching === Watching.Nothing || this.isInScript) return;
    if (!command.isBrief || this.watching === Watching.Everything || isBulky(this, this.replyStart)) {
      this.watch!.look(this, command, this.client, this.replyStart);
    }
  }

  private runTimed(command: Command, weight: number, hash: number): void {
    const started = performance.now();
    this.runRouted(command, hash);
    this.meter.addTime(command, performance.now() - started, weight);
  }

  private runRouted(command: Command, hash: number): void {
    if (this.isHolding) this.runUnderHeldLocks(command);
    else if (command.singleKey !== 0) this.runSingleKey(command, hash);
    else if (command.route === Route.ByKey) this.runManyKeys(command);
    else if (command.row.habit !== undefined && this.server.workerCount > 1) this.runScript(command);
    else if (command.route === Route.All) this.runAll(command);
    else {
      this.readDatabase();
      this.runGuarded(command);
      this.serveReady();
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

  /** Hot: the path of GET and SET. `hash` is that of the key in `ahead.database`, or -1 when it is not known. */
  private runSingleKey(command: Command, hash: number): void {
    const { keyspace, key } = this;
    const words = keyspace.control.words;
    const at = this.args[command.singleKey * 2]!;
    const byteCount = this.args[command.singleKey * 2 + 1]!;
    for (;;) {
      const version = this.readDatabase();
      const isKnown = hash >= 0 && this.database === this.ahead.database;
      const keyHash = isKnown ? hash : keyspace.hash(this.source, at, byteCount, this.database);
      keyspace.locateHashed(key, this.source, at, byteCount, this.database, keyHash);
      const shard = key.shard;
      if (!lockShardUnlessBusy(shard)) return this.refuseBusy(command);
      if (words[Control.DatabaseMapVersion] !== version) {
        unlockShard(shard);
        continue;
      }
      if ((shard.heads[shard.head + Head.Interests]! & Interest.Waits) !== 0)
        return this.runAwaited(command, shard);
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
    const failure = this.runAndServe(command);
    unlockShard(shard);
    if (failure !== null) this.failed(command, failure);
  }

  private runManyKeys(command: Command): void {
    const words = this.keyspace.control.words;
    for (;;) {
      const version = this.readDatabase();
      this.keys.hash(this, command);
      if (!this.locks.lockWantedUnlessBusy()) return this.refuseBusy(command);
      if (words[Control.DatabaseMapVersion] === version) break;
      this.locks.release();
    }
    const isWrite = (command.flags & Flag.Write) !== 0;
    if (
      isWrite &&
      !this.locks.areAll &&
      this.locks.haveWaits &&
      this.keys.mayMove(this, command, this.interests)
    ) {
      this.locks.release();
      return this.runAll(command);
    }
    this.runLocked(command);
  }

  /** Runs a command that runs a script, under fewer than all locks if the script is known to need no more. */
  private runScript(command: Command): void {
    const habit = command.row.habit!(this);
    if (habit === ScriptHabit.Strays) return this.runAll(command);
    if (this.scriptLocks.lock(this, command, habit)) this.runLocked(command);
    else this.refuseBusy(command);
  }

  private runAll(command: Command): void {
    this.locks.wantAll();
    if (!this.locks.lockWantedUnlessBusy()) return this.refuseBusy(command);
    this.readDatabase();
    if (command.keys.length > 0) this.keys.hash(this, command);
    this.runLocked(command);
  }

  /** Runs the command under the locks held and gives them back. */
  private runLocked(command: Command): void {
    const failure = this.runAndServe(command);
    this.locks.release();
    if (failure !== null) this.failed(command, failure);
  }

  /** Runs the command and serves who waits for what it has given to keys. Returns what was thrown, or null. */
  private runAndServe(command: Command): unknown {
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
      this.blocking.serve(this.journal, this.locks.areAll, this.reply.bytesMax);
    } catch (error) {
      failure = error;
    }
    return failure;
  }

  /** A command without locks of its own has taken and given back those of keys for which clients wait. */
  serveReady(): void {
    if (!this.blocking.hasReady) return;
    this.locks.wantAll();
    if (!this.locks.lockWantedUnlessBusy()) return this.blocking.postpone(() => this.serveReady());
    try {
      this.blocking.serve(this.journal, true, this.reply.bytesMax);
    } finally {
      this.locks.release();
    }
  }

  private runGuarded(command: Command): void {
    try {
      if (command.route === Route.Here) this.runHere(command);
      else this.runAndJournal(command);
    } catch (error) {
      this.failed(command, error);
    }
  }

  /** What touches no key changes none itself, and a transaction's commands are journalled each; but functions are data. */
  private runHere(command: Command): void {
    const errors = this.reply.errorCount;
    command.run(this);
    if ((command.flags & Flag.Write) !== 0 && this.reply.errorCount === errors) this.journal.append(this);
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
    if (error instanceof ScriptStrayedError)
      return error.hasEffects ? this.reply.error(error.message) : this.runAll(command);
    log.error(`command ${command.name} failed`, error);
    if (error instanceof AssertionError) throw error;
    this.counters[Counter.UnexpectedErrors]!++;
    this.reply.error('ERR internal error');
  }

  /**
   * Takes the locks that `want` asks for with `wantHash`, `wantKeysOf` and `wantAll`, which may be called again; all of them
   * where somebody waits, who may have to be served by a move. The database of the client stays what it is meanwhile.
   * Throws, with no lock held, when a script keeps one of the shards busy.
   */
  lockFor(want: () => void): void {
    const { locks } = this;
    const words = this.keyspace.control.words;
    for (;;) {
      const version = this.readDatabase();
      want();
      if (!locks.lockWantedUnlessBusy()) throw new ShardBusyError('a script holds the shard');
      if (words[Control.DatabaseMapVersion] === version && (locks.areAll || !locks.haveWaits)) return;
      const isForWaits = words[Control.DatabaseMapVersion] === version;
      locks.release();
      if (isForWaits) locks.wantAll();
    }
  }

  wantKeysOf(command: Command, request: Request): void {
    this.take(request);
    this.keys.hash(this, command);
  }

  take(request: RequestArguments): void {
    this.source = request.source;
    this.args = request.args;
    this.count = request.count;
  }

  /** From here on, until `letGo`, commands run under the locks that `lockFor` has taken, and none may wait for others. */
  hold(): Held {
    const { reply, row, replyStart, mayBlock } = this;
    this.mayBlock = false;
    this.isHolding = true;
    return { reply, row, replyStart, mayBlock };
  }

  /** Serves those who wait for what was given to keys, and gives the locks back. */
  letGo(held: Held): void {
    try {
      this.journal.endGroup();
      if (this.blocking.hasReady) this.blocking.serve(this.journal, this.locks.areAll, this.reply.bytesMax);
    } finally {
      this.isHolding = false;
      this.locks.release();
      Object.assign(this, held);
    }
  }

  /** Runs a command under the locks held. */
  private runUnderHeldLocks(command: Command): void {
    this.hashKeys(command);
    this.runGuarded(command);
  }

  /** Hashes the keys of the request in the client's database. */
  hashKeys(command: Command): void {
    this.readDatabase();
    if (command.keys.length > 0 && command.route !== Route.Here) this.keys.hash(this, command);
  }

  /** A script has been running for long on a shard that the command needs. Nothing was done. */
  private refuseBusy(command: Command): void {
    const isFunction = this.server.scripts.states.isFunctionRunning;
    this.reject(command, isFunction ? BUSY_FUNCTION : BUSY_SCRIPT);
  }

  locate(index: number, key: Key): void {
    this.keys.locate(this, index, key);
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
    for (let index = 0; index < this.keyspace.shards.length; index++) {
      if (this.withShard(index, visit) === false) return;
    }
  }

  withShard(index: number, visit: (shard: Shard) => boolean | void): boolean | void {
    const shard = this.keyspace.shards[index]!;
    return this.locks.holds(index) ? visit(shard) : underLock(shard, visit);
  }

  park(): Parked {
    if (this.isInScript) return refuseLateReply(this.reply);
    return this.queueRun.park(this.client) ?? this.client.park();
  }

  block(request: BlockRequest): void {
    const { source, args, database } = this;
    const keys = { source, args, first: request.firstKey, count: request.keyCount, database };
    if (!this.interests.fits(keys)) this.reply.error(TOO_MANY_WAIT_KEYS);
    else if (!this.blocking.block(this.client, request, keys)) this.reply.error(TOO_MANY_WAITS);
  }
}
