/** The keeper's rooms wired together: its own view of the keyspace, the configuration, and ports to all other threads. */
import type { HashKey } from '../../base/hash.ts';
import { ControlBlock, Counter } from '../../memory/control.ts';
import { SaveBoard } from '../../memory/save-board.ts';
import { Shard } from '../../memory/shard.ts';
import { Keyspace } from '../../store/keyspace.ts';
import { Config, type ConfigJson } from '../config/config.ts';
import type { JournalMemories } from '../journal/append-only.ts';
import { Mesh, type Port } from '../mesh.ts';
import type { PreservedChunk } from './preserved-records.ts';

/** What main hands the keeper at its start. */
export interface KeeperSetup {
  readonly control: SharedArrayBuffer;
  readonly shards: readonly SharedArrayBuffer[];
  /** Heads of the shards, and behind them those of interests, audience and watches. */
  readonly shardHeads: SharedArrayBuffer;
  readonly hashKey: HashKey;
  readonly config: ConfigJson;
  /** State of the journal and the rings of all workers. */
  readonly journal: JournalMemories;
  /** Random identity of this run of the server. */
  readonly runId: string;
}

export class Keeper {
  readonly control: ControlBlock;
  /** As the keeper sees it: nobody listens to what it changes, and what it counts is not in INFO. */
  readonly keyspace: Keyspace;
  readonly config: Config;
  readonly mesh = new Mesh();
  readonly runId: string;
  readonly board: SaveBoard;
  /** Takes what workers preserve of a snapshot that is being taken. */
  onPreserved: ((chunk: PreservedChunk) => void) | null = null;
  /** Ports to the workers by index, and to main. */
  workers: readonly Port[] = [];
  private main: Port | null = null;
  private readonly onConfig: ((changed: readonly string[]) => void)[] = [];
  private readonly onStop: (() => Promise<void>)[] = [];

  constructor(setup: KeeperSetup) {
    this.control = new ControlBlock(setup.control);
    this.config = Config.fromJSON(setup.config);
    this.runId = setup.runId;
    const shards = setup.shards.map((memory, index) => new Shard(index, memory, setup.shardHeads));
    this.keyspace = new Keyspace(shards, this.control, new Float64Array(Counter.Count), setup.hashKey);
    this.keyspace.setTime(Date.now());
    this.board = new SaveBoard(this.control);
    this.mesh.on('snapshot.chunk', (chunk) => this.takeChunk(chunk as PreservedChunk));
    this.mesh.on('config.assign', (values) => {
      this.config.assign(values as Readonly<Record<string, string>>);
      for (const listener of this.onConfig) listener(Object.keys(values as object));
    });
    this.mesh.on('keeper.stop', async () => {
      for (const stop of this.onStop) await stop();
    });
  }

  /** Gives the keeper its ports, once. */
  connect(workers: readonly Port[], main: Port): void {
    this.workers = workers;
    this.main = main;
    for (const port of workers) this.mesh.connect(port);
    this.mesh.connect(main);
  }

  /** Calls `listener` with the names of the settings after each change. */
  whenConfigured(listener: (changed: readonly string[]) => void): void {
    this.onConfig.push(listener);
  }

  /** Calls `stop` when the server ends, after every worker has stopped; the process stays until it has resolved. */
  whenStopped(stop: () => Promise<void>): void {
    this.onStop.push(stop);
  }

  private takeChunk(chunk: PreservedChunk): void {
    const { board } = this;
    this.onPreserved?.(chunk);
    board.setTakenBytes(chunk.worker, board.takenBytes(chunk.worker) + chunk.byteCount);
  }

  /** The code of every library of functions, as workers have them now. */
  async readLibraries(): Promise<readonly Buffer[]> {
    const codes = (await this.mesh.ask(this.workers[0]!, 'functions.codes', null)) as Uint8Array[];
    return codes.map((code) => Buffer.from(code));
  }

  askMain(topic: string, payload: unknown): Promise<unknown> {
    return this.main === null ? this.mesh.askHere(topic, payload) : this.mesh.ask(this.main, topic, payload);
  }

  askWorker(worker: number, topic: string, payload: unknown): Promise<unknown> {
    return this.mesh.ask(this.workers[worker]!, topic, payload);
  }

  askWorkers(topic: string, payload: unknown): Promise<unknown[]> {
    return Promise.all(this.workers.map((worker) => this.mesh.ask(worker, topic, payload)));
  }
}
