/** One worker's rooms wired together: keyspace, dispatcher, clients, configuration, and the ports to other threads. */
import { Bytes } from '../base/bytes.ts';
import type { HashKey } from '../base/hash.ts';
import { ControlBlock } from '../memory/control.ts';
import { Save, SaveBoard } from '../memory/save-board.ts';
import { createJournalState, journalFigures } from '../memory/journal-state.ts';
import { Shard, SHARD_BYTES } from '../memory/shard.ts';
import { RespReader } from '../protocol/resp-reader.ts';
import { REPLY_BYTES_MAX } from '../protocol/resp-writer.ts';
import { Audience } from '../store/audience.ts';
import { Interests } from '../store/interests.ts';
import { TrackingBoard } from '../store/tracking-board.ts';
import { Watches } from '../store/watches.ts';
import { Keyspace } from '../store/keyspace.ts';
import type { PackedLimits } from '../store/packed-limits.ts';
import { AccessLog } from '../commands/acl/access-log.ts';
import { CommandSets } from '../commands/acl/command-sets.ts';
import { type UserText, UserTable } from '../commands/acl/user-table.ts';
import { RESET_STATISTICS } from '../commands/memcached/administration.ts';
import { FAMILIES } from '../commands/families.ts';
import type { CommandTimes } from '../commands/latency-event.ts';
import { type Command, Registry } from '../commands/registry.ts';
import type { Server } from '../commands/row.ts';
import { serveUserTopics } from './acl/worker-users.ts';
import { BlockedClients } from './blocking/blocked-clients.ts';
import { Blocking } from './blocking/blocking.ts';
import { Collector } from './collector.ts';
import { type BufferLimit, Config, type ConfigJson } from './config/config.ts';
import type { SettingName } from './config/config-registry.ts';
import { ClientPause, serveClientTopics } from './clients/clients.ts';
import type { Connection } from './clients/connection.ts';
import { Deliveries } from './clients/deliveries.ts';
import { Dispatcher } from './dispatch.ts';
import { Eviction } from './eviction/eviction.ts';
import { commandTimes } from './info/command-times.ts';
import { renderInfo } from './info/info.ts';
import { Outbox } from './clients/outbox.ts';
import {
  JOURNAL_DURABLE,
  JOURNAL_ERROR,
  JOURNAL_RECORD,
  JOURNAL_WAKE,
  type JournalMemory,
  Recording,
} from './journal/recording.ts';
import { PreservedRecords } from './keeper/preserved-records.ts';
import { rdbOptions } from './keeper/rdb-options.ts';
import { serveKeeper } from './keeper/worker-side.ts';
import { serveReplay } from './journal/replay-topic.ts';
import { log } from './log.ts';
import { Migrations } from './migration/migrations.ts';
import { Monitors } from './monitor/monitors.ts';
import { MemcachedDispatcher } from './memcached/dispatch.ts';
import { Mesh, type Port } from './mesh.ts';
import { API_VERSION } from './product.ts';
import { LONE_MEMORY_BYTES, Scripts } from '../scripting/scripts.ts';
import { hearBells, ScriptBell } from './script-bell.ts';
import { ServerScriptHost } from './script-host.ts';
import { AHEAD_MAX, Request } from './request.ts';
import { ServerState } from './server-state.ts';
import { Slowness } from './slow/slowness.ts';
import { Notices } from './pubsub/notices.ts';
import { LocalPubSub } from './pubsub/pubsub.ts';
import { Tracking } from './tracking/tracking.ts';
import { LocalTransactions } from './transactions/transactions.ts';
import { Statistics } from './info/statistics.ts';

/** What main hands a worker at its start. */
export interface EngineSetup {
  readonly workerIndex: number;
  readonly control: SharedArrayBuffer;
  readonly shards: readonly SharedArrayBuffer[];
  /** Memory of the interest table. */
  readonly interests: SharedArrayBuffer;
  /** Memory of what is listened to. */
  readonly audience: SharedArrayBuffer;
  /** Memory of the tracking board. */
  readonly tracking: SharedArrayBuffer;
  /** Memory of watched keys. */
  readonly watches: SharedArrayBuffer;
  /** Heads of the shards, and behind them those of interests, audience and watches. */
  readonly shardHeads: SharedArrayBuffer;
  readonly hashKey: HashKey;
  readonly config: ConfigJson;
  /** What workers share about the use of keys; a worker alone makes its own. */
  readonly uses?: SharedArrayBuffer;
  /** What workers share about scripts; a worker alone makes its own. */
  readonly scripts?: SharedArrayBuffer;
  /** State of the journal and this worker's ring; without them nothing is ever recorded. */
  readonly journal?: JournalMemory;
  /** Random identity of this run of the server. */
  readonly runId: string;
  /** Every user, as main has made them of the configuration. */
  readonly users: readonly UserText[];
}

/** What workers tell each other: outcomes of waits... */
const BLOCKED_SERVED = 'blocked.served';
const PUBLISHED = 'pubsub.published';
/** ...messages, and lines for monitors. */
const MONITORED = 'monitor.lines';
const MONITOR_WATCH = 'monitor.watch';
const TRACKING_MAIL = 'tracking.mail';
const TRACKING_REDIRECT = 'tracking.redirect';
const CLIENT_EXISTS = 'clients.exists';
/** Larger than any chunk Bun delivers (512 KiB) plus the start of a request kept from the read before. */
const INPUT_BYTES = 1 << 20;
/** Positions in the input are 32-bit integers. */
const REQUEST_BYTES_MAX = 2 ** 31 - 1;
/** More than a socket takes at once: a reply that exceeds the output limit by this much would end its client anyway, and
 *  need not be made. */
const SOCKET_BYTES_MAX = 16 << 20;
/** A collection takes milliseconds, for our heap is small; copying this much takes longer. */
const HUGE_BUFFER_BYTES = 32 << 20;
/** Used memory is summed over the shards again after this many reads, also when they only read. */
const MEMORY_CHECK_READS = 16;

const NO_TIMES: CommandTimes = { calls: 0, buckets: [] };

export class Engine implements Server {
  readonly workerIndex: number;
  readonly workerCount: number;
  readonly runId: string;
  readonly control: ControlBlock;
  readonly keyspace: Keyspace;
  readonly registry: Registry;
  readonly apiVersion = API_VERSION;
  readonly dispatcher: Dispatcher;
  readonly eviction: Eviction;
  readonly memcached: MemcachedDispatcher;
  readonly scripts: Scripts;
  readonly config: Config;
  readonly mesh = new Mesh();
  readonly users: UserTable;
  readonly accessLog: AccessLog;
  readonly statistics: Statistics;
  readonly slowness: Slowness;
  readonly outbox: Outbox;
  readonly deliveries: Deliveries;
  readonly pubsub: LocalPubSub;
  readonly monitoring: Monitors;
  readonly migrator: Migrations;
  readonly tracking: Tracking;
  readonly transactions: LocalTransactions;
  readonly collector = new Collector();
  /** Input of the connection being served. Nothing in it outlives the read. */
  readonly input = Bytes.allocate(INPUT_BYTES);
  readonly reader: RespReader;
  /** Requests of the connection being served that were read and not yet run. */
  readonly ahead: readonly Request[] = Array.from({ length: AHEAD_MAX }, () => new Request(this.input));
  readonly clients = new Map<number, Connection>();
  /** Ports to the other workers (null in this worker's own place) and to main. */
  private peers: readonly (Port | null)[] = [null];
  private main: Port | null = null;
  private keeper: Port | null = null;
  private readsUntilMemoryCheck = 0;
  /** Values of settings that are needed more often than a lookup by name allows. */
  bulkBytesMax = 0;
  queryBytesMax = 0;
  outputLimit: BufferLimit = { hardBytes: 0, softBytes: 0, softSeconds: 0 };
  pubsubOutputLimit: BufferLimit = { hardBytes: 0, softBytes: 0, softSeconds: 0 };
  readonly clientPause: ClientPause;
  readonly blockedClients: BlockedClients;
  readonly board: SaveBoard;
  readonly preserved: PreservedRecords;
  readonly state: ServerState;
  private willCollect = false;
  private readonly onConfig: ((changed: readonly string[]) => void)[] = [];
  /** This worker's part in the journal; null where there is none. */
  readonly recording: Recording | null;
  /** Figures of the append-only file: index them with JournalFigure. */
  readonly journal: Float64Array;

  constructor(setup: EngineSetup) {
    this.workerIndex = setup.workerIndex;
    this.runId = setup.runId;
    this.control = new ControlBlock(setup.control);
    this.workerCount = this.control.workerCount;
    this.config = Config.fromJSON(setup.config);
    const shards = setup.shards.map((memory, index) => new Shard(index, memory, setup.shardHeads));
    const counters = this.control.counters(setup.workerIndex);
    this.keyspace = new Keyspace(shards, this.control, counters, setup.hashKey);
    this.registry = new Registry(FAMILIES);
    this.users = new UserTable(new CommandSets(this.registry));
    this.users.take(setup.users);
    this.accessLog = new AccessLog(counters);
    const interests = new Interests(
      new Shard(shards.length, setup.interests, setup.shardHeads),
      this.keyspace,
    );
    this.blockedClients = new BlockedClients(interests, setup.workerIndex, counters, (worker, text) =>
      this.mesh.tell(this.peers[worker]!, BLOCKED_SERVED, text),
    );
    this.mesh.onText(BLOCKED_SERVED, (letter) => this.blockedClients.receive(letter));
    const blocking = new Blocking(this.keyspace, interests, this.blockedClients, setup.workerIndex);
    this.dispatcher = new Dispatcher(this.keyspace, this.registry, this, blocking);
    this.board = new SaveBoard(this.control);
    this.preserved = this.openPreserved();
    this.state = new ServerState(this.control, this.board, this.config, this.dispatcher, this.preserved);
    this.dispatcher.state = this.state;
    this.eviction = this.openEviction(setup);
    this.scripts = new Scripts(
      setup.scripts ?? new SharedArrayBuffer(LONE_MEMORY_BYTES),
      setup.workerIndex,
      new ServerScriptHost(this.dispatcher, () => this.scripts),
      API_VERSION,
      new ScriptBell(this.dispatcher.locks, setup.workerIndex, (topic, text) => this.tellAll(topic, text)),
    );
    hearBells(this.mesh, this.scripts.busyElsewhere);
    this.memcached = new MemcachedDispatcher(this.dispatcher);
    this.reader = new RespReader(this.input);
    this.outbox = new Outbox(this.dispatcher.reply, (byteCount) => this.gaveUpBuffer(byteCount));
    this.deliveries = new Deliveries(this.outbox);
    this.pubsub = this.openPubSub(setup, shards.length + 1);
    blocking.notices = this.dispatcher.notices;
    this.monitoring = this.openMonitors();
    this.migrator = new Migrations(this.dispatcher);
    this.tracking = this.openTracking(setup);
    const watches = new Watches(new Shard(shards.length + 2, setup.watches, setup.shardHeads), this.keyspace);
    this.transactions = new LocalTransactions(this.dispatcher, watches);
    this.statistics = new Statistics(this);
    this.slowness = new Slowness(this);
    this.clientPause = new ClientPause(this.dispatcher.pause);
    serveClientTopics(this);
    serveUserTopics(this);
    this.recording = this.openRecording(setup);
    this.journal = journalFigures(setup.journal?.state ?? createJournalState());
    serveKeeper(this);
    this.mesh.on(RESET_STATISTICS, () => this.memcached.resetStatistics());
    this.mesh.on('config.assign', (values) => {
      this.config.assign(values as Readonly<Record<string, string>>);
      this.applyConfig(Object.keys(values as object));
    });
    this.applyConfig([]);
  }

  private openRecording({ journal }: EngineSetup): Recording | null {
    if (journal === undefined) return null;
    const { mesh } = this;
    const wake = (): void => {
      if (this.keeper !== null) mesh.tell(this.keeper, JOURNAL_WAKE, '');
    };
    const recording = new Recording(this.dispatcher, journal, this.workerIndex, wake);
    mesh.on(JOURNAL_RECORD, (isOn) => recording.turn(isOn === true));
    mesh.onText(JOURNAL_DURABLE, () => recording.release());
    mesh.on(JOURNAL_ERROR, (reason) => {
      this.state.appendError = reason as string;
      this.state.renew();
    });
    serveReplay(this);
    return recording;
  }

  private openPreserved(): PreservedRecords {
    const { keyspace, board, config, mesh, workerIndex } = this;
    const options = () => ({ ...rdbOptions(config), version: board.get(Save.Version) });
    const preserved = new PreservedRecords(keyspace, board, workerIndex, options, (chunk) => {
      if (this.keeper !== null) mesh.give(this.keeper, 'snapshot.chunk', chunk);
    });
    keyspace.preserver = preserved;
    return preserved;
  }

  private openEviction(setup: EngineSetup): Eviction {
    const { keyspace, control, dispatcher } = this;
    const eviction = new Eviction(keyspace, control, setup.workerIndex, setup.uses, dispatcher.pause);
    dispatcher.guard = eviction.guard;
    eviction.guard.onEvicted = (elapsedMs) => {
      this.slowness.latency.addIfLong('eviction-cycle', elapsedMs);
      dispatcher.serveReady();
    };
    return eviction;
  }

  private openTracking(setup: EngineSetup): Tracking {
    const { workerIndex, workerCount, keyspace, deliveries, clients, mesh } = this;
    const tracking = new Tracking({
      workerIndex,
      workerCount,
      board: new TrackingBoard(setup.tracking, workerIndex, workerCount),
      keyspace,
      deliveries,
      clients,
      findWorker: async (clientId) => (await this.askWorkers(CLIENT_EXISTS, clientId)).indexOf(true),
      sendMail: (worker) => mesh.tell(this.peers[worker]!, TRACKING_MAIL, ''),
      sendRedirect: (worker, text) => mesh.tell(this.peers[worker]!, TRACKING_REDIRECT, text),
    });
    mesh.onText(TRACKING_MAIL, () => tracking.readMail());
    mesh.onText(TRACKING_REDIRECT, (text) => tracking.receiveRedirects(text));
    mesh.on(CLIENT_EXISTS, (id) => clients.has(id as number));
    const { onFlush } = keyspace;
    keyspace.onFlush = (isBeginning, database) => {
      onFlush(isBeginning, database);
      tracking.flush(isBeginning);
    };
    this.dispatcher.tracking = tracking;
    this.dispatcher.ahead.tracked = tracking.keys;
    return tracking;
  }

  private openMonitors(): Monitors {
    const { workerIndex, deliveries, dispatcher } = this;
    const monitors = new Monitors({
      workerIndex,
      deliveries,
      state: dispatcher,
      askWorkers: (isWatching) => this.askWorkers(MONITOR_WATCH, { worker: workerIndex, isWatching }),
      send: (worker, lines) => this.mesh.tell(this.peers[worker]!, MONITORED, lines),
    });
    this.mesh.on(MONITOR_WATCH, (request) => {
      const { worker, isWatching } = request as { worker: number; isWatching: boolean };
      monitors.watch(worker, isWatching);
    });
    this.mesh.onText(MONITORED, (lines) => monitors.receive(lines));
    dispatcher.monitors = monitors;
    return monitors;
  }

  private openPubSub(setup: EngineSetup, shardIndex: number): LocalPubSub {
    const { keyspace, workerIndex, deliveries } = this;
    const audience = new Audience(new Shard(shardIndex, setup.audience, setup.shardHeads), keyspace);
    const pubsub = new LocalPubSub(audience, workerIndex, keyspace.counters, deliveries, (worker, text) =>
      this.mesh.tell(this.peers[worker]!, PUBLISHED, text),
    );
    this.mesh.onText(PUBLISHED, (letter) => pubsub.receive(letter));
    const notices = new Notices(keyspace, pubsub, this.dispatcher);
    const others = keyspace.onTouched;
    keyspace.onTouched = (key) => {
      others(key);
      notices.onTouched(key);
    };
    this.dispatcher.notices = notices;
    this.whenConfigured(() =>
      notices.configure(this.config.text('notify-keyspace-events'), this.config.number('databases')),
    );
    return pubsub;
  }

  /** Gives the engine its ports, once, before it serves. `peers[workerIndex]` is null. */
  connect(peers: readonly (Port | null)[], main: Port, keeper: Port | null = null): void {
    this.peers = peers;
    this.main = main;
    this.keeper = keeper;
    for (const port of [...peers, main, keeper]) if (port !== null) this.mesh.connect(port);
  }

  /** Calls `listener` with the names of the settings after each change. */
  whenConfigured(listener: (changed: readonly string[]) => void): void {
    this.onConfig.push(listener);
  }

  private applyConfig(changed: readonly string[]): void {
    this.eviction.configure(this.config);
    // Redis takes greater limits; what passed ours could not be stored, and its position would overflow 31 bits.
    this.bulkBytesMax = Math.min(this.config.number('proto-max-bulk-len'), SHARD_BYTES);
    this.keyspace.stringBytesMax = this.bulkBytesMax;
    this.applyPackedLimits();
    this.queryBytesMax = Math.min(this.config.number('client-query-buffer-limit'), REQUEST_BYTES_MAX);
    this.outputLimit = this.config.bufferLimit('normal');
    this.pubsubOutputLimit = this.config.bufferLimit('pubsub');
    this.pubsub.listenerBytesMax = this.pubsubOutputLimit.hardBytes;
    const { hardBytes } = this.outputLimit;
    this.dispatcher.reply.bytesMax =
      hardBytes === 0 ? REPLY_BYTES_MAX : Math.min(hardBytes + SOCKET_BYTES_MAX, REPLY_BYTES_MAX);
    this.scripts.timeLimitMs = this.config.number('busy-reply-threshold') || Infinity;
    this.memcached.itemBytesMax = this.config.number('memcached-item-size-max');
    this.slowness.configure();
    this.tracking.keysMax =
      Math.ceil(this.config.number('tracking-table-max-keys') / this.workerCount) || Infinity;
    this.readsUntilMemoryCheck = 0;
    this.state.renew();
    for (const listener of this.onConfig) listener(changed);
  }

  private applyPackedLimits(): void {
    const { config } = this;
    Object.assign(this.keyspace.packedLimits, {
      listNode: config.number('list-max-listpack-size'),
      streamNodeBytes: config.number('stream-node-max-bytes'),
      streamNodeEntries: config.number('stream-node-max-entries'),
      hashEntries: config.number('hash-max-listpack-entries'),
      hashValueBytes: config.number('hash-max-listpack-value'),
      integerSetEntries: config.number('set-max-intset-entries'),
      setEntries: config.number('set-max-listpack-entries'),
      setValueBytes: config.number('set-max-listpack-value'),
      sortedSetEntries: config.number('zset-max-listpack-entries'),
      sortedSetValueBytes: config.number('zset-max-listpack-value'),
      hyperLogLogBytes: config.number('hll-sparse-max-bytes'),
    } satisfies PackedLimits);
  }

  /** Must be called once per read, before its first request. */
  beginRead(): void {
    this.dispatcher.beginRead();
    this.outbox.flushOld(this.keyspace.nowMs);
    this.recording?.beginRead();
    if (--this.readsUntilMemoryCheck > 0) return;
    this.readsUntilMemoryCheck = MEMORY_CHECK_READS;
    this.eviction.guard.check(0);
  }

  /** A buffer of `byteCount` bytes is not needed any more. The collector would take its time with a huge one. */
  gaveUpBuffer(byteCount: number): void {
    if (byteCount < HUGE_BUFFER_BYTES || this.willCollect) return;
    this.willCollect = true;
    setImmediate(() => {
      this.willCollect = false;
      for (const request of this.ahead) request.release(this.input);
      this.dispatcher.release(this.input);
      Bun.gc(true);
    });
  }

  /** A connection is gone. */
  forget(connection: Connection): void {
    this.clients.delete(connection.id);
    this.clientPause.forget(connection);
    this.blockedClients.leave(connection);
    this.pubsub.unsubscribeAll(connection);
    this.monitoring.remove(connection);
    this.tracking.disable(connection);
    this.transactions.unwatch(connection);
  }

  /** Tells every other thread. */
  private tellAll(topic: string, text: string): void {
    for (const port of [...this.peers, this.main]) if (port !== null) this.mesh.tell(port, topic, text);
  }

  askWorkers(topic: string, payload: unknown): Promise<unknown[]> {
    return Promise.all(
      this.peers.map((peer) =>
        peer === null ? this.mesh.askHere(topic, payload) : this.mesh.ask(peer, topic, payload),
      ),
    );
  }

  answer(topic: string, payload: unknown): unknown {
    return this.mesh.answerHere(topic, payload);
  }

  askMain(topic: string, payload: unknown): Promise<unknown> {
    return this.main === null ? this.mesh.askHere(topic, payload) : this.mesh.ask(this.main, topic, payload);
  }

  /** Tells the keeper what wants no answer. */
  tellKeeper(topic: string, text: string): void {
    if (this.keeper !== null) this.mesh.tell(this.keeper, topic, text);
  }

  askKeeper(topic: string, payload: unknown): Promise<unknown> {
    return this.keeper === null
      ? this.mesh.askHere(topic, payload)
      : this.mesh.ask(this.keeper, topic, payload);
  }

  setting(name: string): string {
    return this.config.getString(name as SettingName) ?? '';
  }

  matchSettings(patterns: readonly string[]): [name: string, text: string][] {
    return this.config.match(patterns);
  }

  info(sections: readonly string[]): string {
    return renderInfo(this, sections);
  }

  commandTimes(command: Command): CommandTimes {
    return this.config.flag('latency-tracking') ? commandTimes(this.control, command) : NO_TIMES;
  }

  logWarning(text: string): void {
    log.warn(text);
  }
}
