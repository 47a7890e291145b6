/**
 * The append-only file: what the keeper makes of the journal. It takes the records of all workers in the order of their
 * numbers, appends them to the current increment, and makes them durable as `appendfsync` says. BGREWRITEAOF, or growth,
 * has it begin anew with a snapshot as the base; the increment changes exactly at the moment of the snapshot.
 *
 * What lies in the folder makes sense at every moment: a new increment is in the manifest before anything is written to
 * it, and a base takes the place of what it replaces with one rename of the manifest.
 */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { JournalFigure, journalFigures, JournalWord } from '../../memory/journal-state.ts';
import { RingConsumer } from '../../memory/journal-ring.ts';
import { IncrementFile } from '../../persist/append-only/increment-file.ts';
import { Manifest } from '../../persist/append-only/manifest.ts';
import { RequestStream } from '../../persist/append-only/request-stream.ts';
import { SnapshotFile, syncFolder } from '../../persist/snapshot-file.ts';
import type { Keeper } from '../keeper/keeper.ts';
import { SnapshotError } from '../keeper/snapshot.ts';
import type { Snapshots } from '../keeper/snapshots.ts';
import { log } from '../log.ts';
import { AppendLoading, readManifest } from './append-loading.ts';
import { AppendSync } from './append-sync.ts';
import { JournalMerger, type StreamSink } from './merger.ts';
import { JOURNAL_DURABLE, JOURNAL_ERROR, JOURNAL_RECORD, JOURNAL_WAKE } from './recording.ts';

export const REWRITE = 'journal.rewrite';

/** What main hands the keeper. */
export interface JournalMemories {
  readonly state: SharedArrayBuffer;
  /** The rings of the workers by index. */
  readonly rings: readonly SharedArrayBuffer[];
}

const STREAM_BYTES = 1 << 20;
/** While there is something to write, the rings are looked at so often. */
const LOOK_MS = 2;
/** So many looks in vain, and the keeper goes to sleep. */
const LOOKS_MAX = 20;
const TICK_MS = 100;
/** A snapshot that a flush has spoilt is begun anew so often. */
const RESTARTS_MAX = 16;
/** Redis: AOF_REWRITE_LIMITE_THRESHOLD and the times behind it. */
const FAILURES_FREE = 3;
const RETRY_S = 60;
const RETRY_S_MAX = 3600;
const TEMPORARY_INCREMENT = 'temp-appendonly.aof.incr';

/** Off; recording though there is no base yet; or all as it should be. */
const enum Mode {
  Off,
  AwaitingBase,
  On,
}

/** Takes what is not to be kept. */
class NoStream implements StreamSink {
  readonly bytes = new RequestStream(1 << 16, () => 0).bytes;
  at = 0;

  reserve(byteCount: number): number {
    this.at = 0;
    return Math.min(byteCount, this.bytes.u8.length);
  }

  beginRecord(): boolean {
    return true;
  }

  endRecord(): void {}
}

export class AppendOnly {
  private readonly keeper: Keeper;
  private readonly snapshots: Snapshots;
  private readonly state: Int32Array;
  private readonly figures: Float64Array;
  private readonly merger: JournalMerger;
  private readonly stream: RequestStream;
  private readonly sync: AppendSync;
  private readonly noStream = new NoStream();
  private mode = Mode.Off;
  private manifest: Manifest | null = null;
  private file: IncrementFile | null = null;
  /** The increment that takes over behind the record `switchNumber`, once that is known. */
  private nextFile: IncrementFile | null = null;
  private switchNumber: number | null = null;
  private looksInVain = 0;
  private timer: Timer | null = null;
  private isChanging = false;
  private lastFailureS = 0;
  private rewriteBaseBytes = 0;
  /** Bytes of the base and of the increments before the current one. */
  private earlierBytes = 0;

  constructor(keeper: Keeper, snapshots: Snapshots, { state, rings }: JournalMemories) {
    this.keeper = keeper;
    this.snapshots = snapshots;
    this.state = new Int32Array(state);
    this.figures = journalFigures(state);
    this.figures[JournalFigure.RewriteSeconds] = -1;
    this.merger = new JournalMerger(
      rings.map((ring) => new RingConsumer(ring)),
      Atomics.load(this.state, JournalWord.LastNumber),
    );
    this.sync = new AppendSync(keeper.config, this.figures, (error) => this.tellError(error));
    this.stream = new RequestStream(STREAM_BYTES, (bytes, byteCount) =>
      this.file === null ? byteCount : this.sync.append(this.file, bytes.u8, byteCount),
    );
    Atomics.store(this.state, JournalWord.KeeperAsleep, 1);
    keeper.mesh.onText(JOURNAL_WAKE, () => this.look());
    keeper.mesh.on(REWRITE, () => this.rewriteWhenAsked());
    keeper.whenConfigured((changed) => this.configured(changed));
    keeper.whenStopped(() => this.stop());
  }

  private get folder(): string {
    const { config } = this.keeper;
    return join(config.text('dir'), config.text('appenddirname'));
  }

  get isWanted(): boolean {
    return this.keeper.config.flag('appendonly');
  }

  // --- the start ---

  /** Loads what there is. Throws with a text for people. */
  async load(): Promise<void> {
    const startedMs = performance.now();
    this.manifest = readManifest(this.keeper);
    if (this.manifest === null) return;
    const loading = new AppendLoading(this.keeper, this.folder);
    await loading.load(this.manifest);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(3);
    log.info(`DB loaded from append only file: ${seconds} seconds, ${loading.requestCount} requests`);
  }

  /** From now on what changes is recorded. To be called when the data are loaded and before the first client is served. */
  async begin(): Promise<void> {
    const { folder, keeper } = this;
    mkdirSync(folder, { recursive: true });
    const manifest = this.manifest ?? new Manifest(keeper.config.text('appendfilename'));
    if (manifest.isEmpty) {
      const name = manifest.nextBaseName(true);
      await this.writeBase(join(folder, name), () => {});
      manifest.setBase(name);
      log.info(`Creating AOF base file ${name} on server start`);
    }
    const last = manifest.increments.at(-1)?.name ?? manifest.addIncrement();
    this.file = new IncrementFile(join(folder, last));
    manifest.save(folder);
    this.manifest = manifest;
    this.removeHistory();
    this.measure();
    this.rewriteBaseBytes = this.currentBytes;
    await this.record(true);
    this.setMode(Mode.On);
  }

  // --- the stream ---

  /** Takes what has come. Called when a worker has something, and again and again while there is more. */
  private look(): void {
    const hasMoved = this.drain();
    this.sync.turn(this.file);
    this.publish();
    this.looksInVain = hasMoved ? 0 : this.looksInVain + 1;
    if (this.looksInVain < LOOKS_MAX && !this.sync.isAlways) return this.lookAgain(LOOK_MS);
    if (hasMoved) return this.lookAgain(0);
    Atomics.store(this.state, JournalWord.KeeperAsleep, 1);
    // What has come before that is nobody's to tell.
    const isAllRead = Atomics.load(this.state, JournalWord.LastNumber) === this.merger.lastNumber;
    if (!isAllRead) this.lookAgain(LOOK_MS);
  }

  private isAboutToLook = false;

  private lookAgain(delayMs: number): void {
    if (this.isAboutToLook) return;
    this.isAboutToLook = true;
    const look = (): void => {
      this.isAboutToLook = false;
      this.look();
    };
    if (delayMs === 0) setImmediate(look);
    else setTimeout(look, delayMs);
  }

  private drain(): boolean {
    const { stream, merger } = this;
    stream.isHeldBack = this.sync.mustHoldBack(this.file);
    const now = this.keeper.config.flag('aof-timestamp-enabled') ? Math.floor(Date.now() / 1000) : 0;
    stream.timestampS = now;
    const last = Atomics.load(this.state, JournalWord.LastNumber);
    let hasMoved = merger.drain(this.file === null ? this.noStream : stream, this.switchNumber ?? last);
    if (this.switchNumber !== null && merger.lastNumber === this.switchNumber) {
      if (this.switchFile()) hasMoved = merger.drain(stream, last) || hasMoved;
    }
    if (!stream.isHeldBack) stream.flush();
    this.figures[JournalFigure.BufferBytes] = stream.at;
    this.figures[JournalFigure.CurrentBytes] = this.currentBytes;
    return hasMoved;
  }

  /** What has been recorded up to the moment of the snapshot is in the old increment: the next one takes over. */
  private switchFile(): boolean {
    const old = this.file;
    if (!this.stream.flush()) return false;
    if (old !== null) {
      this.sync.finish(old);
      this.earlierBytes += old.byteCount;
      void old.close();
    }
    this.file = this.nextFile;
    this.nextFile = null;
    this.switchNumber = null;
    this.stream.restart();
    return true;
  }

  /** Tells workers how far it is. */
  private publish(): void {
    const { state, stream, merger } = this;
    Atomics.store(state, JournalWord.ConsumedNumber, merger.lastNumber);
    if (stream.at > 0 || (this.sync.isAlways && this.file !== null && !this.file.isDurable)) return;
    if (Atomics.load(state, JournalWord.DurableNumber) === merger.lastNumber) return;
    Atomics.store(state, JournalWord.DurableNumber, merger.lastNumber);
    this.keeper.workers.forEach((worker, index) => {
      if (Atomics.exchange(state, JournalWord.Waiting + index, 0) !== 0) {
        this.keeper.mesh.tell(worker, JOURNAL_DURABLE, '');
      }
    });
  }

  private setMode(mode: Mode): void {
    this.mode = mode;
    this.figures[JournalFigure.IsOn] = mode === Mode.Off ? 0 : 1;
    this.configured(['appendfsync']);
    if (mode === Mode.Off && this.timer !== null) {
      clearInterval(this.timer);
      this.timer = null;
    } else if (mode !== Mode.Off) this.timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  private tick(): void {
    this.look();
    if (this.mode === Mode.On && this.isGrown()) void this.rewrite();
  }

  private async record(isOn: boolean): Promise<void> {
    await this.keeper.askWorkers(JOURNAL_RECORD, isOn);
  }

  private tellError(reason: string): void {
    Atomics.store(this.state, JournalWord.WriteError, reason === '' ? 0 : 1);
    void this.keeper.askWorkers(JOURNAL_ERROR, reason);
  }

  // --- configuration ---

  private configured(changed: readonly string[]): void {
    if (changed.includes('appendfsync')) {
      this.sync.configure();
      const holds = this.sync.isAlways && this.mode === Mode.On;
      Atomics.store(this.state, JournalWord.HoldsReplies, holds ? 1 : 0);
      this.look();
    }
    if (changed.includes('appendonly')) void this.change();
  }

  /** `appendonly` was changed while the server runs. */
  private async change(): Promise<void> {
    if (this.isChanging) return;
    this.isChanging = true;
    try {
      while (this.isWanted !== (this.mode !== Mode.Off)) {
        if (this.isWanted) await this.turnOn();
        else await this.turnOff();
      }
    } catch (error) {
      log.error(`The append only file cannot be turned on: ${(error as Error).message}. Look at \`dir\``);
      await this.record(false);
      this.setMode(Mode.Off);
    } finally {
      this.isChanging = false;
    }
  }

  private async turnOn(): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    this.manifest ??= readManifest(this.keeper) ?? new Manifest(this.keeper.config.text('appendfilename'));
    await this.record(true);
    this.setMode(Mode.AwaitingBase);
    await this.rewrite();
  }

  private async turnOff(): Promise<void> {
    await this.record(false);
    await this.finishWriting();
    this.setMode(Mode.Off);
    log.info('The append only file is off');
  }

  /** Writes all that was recorded, makes it durable, and closes the file. */
  private async finishWriting(): Promise<void> {
    while (this.figures[JournalFigure.IsRewriting] !== 0) await Bun.sleep(LOOK_MS);
    for (let look = 0; look < 1000; look++) {
      this.drain();
      this.publish();
      const isRead = this.merger.lastNumber === Atomics.load(this.state, JournalWord.LastNumber);
      if (isRead && this.stream.at === 0) break;
      await Bun.sleep(LOOK_MS);
    }
    if (this.file === null) return;
    this.sync.finish(this.file);
    this.publish();
    await this.file.close();
    this.file = null;
  }

  private async stop(): Promise<void> {
    if (this.mode === Mode.Off) return;
    log.info('Calling fsync() on the AOF file.');
    await this.finishWriting();
  }

  // --- rewriting ---

  private get currentBytes(): number {
    return this.earlierBytes + (this.file?.byteCount ?? 0);
  }

  private measure(): void {
    const { manifest, folder } = this;
    const size = (name: string): number => statSync(join(folder, name)).size;
    const baseBytes = manifest!.base === null ? 0 : size(manifest!.base.name);
    this.figures[JournalFigure.BaseBytes] = baseBytes;
    this.earlierBytes = baseBytes;
    for (const { name } of manifest!.increments.slice(0, -1)) this.earlierBytes += size(name);
  }

  private isGrown(): boolean {
    const { config } = this.keeper;
    const { figures, currentBytes } = this;
    if (figures[JournalFigure.IsRewriting] !== 0 || this.isChanging) return false;
    if (figures[JournalFigure.IsRewriteScheduled] !== 0 && !this.snapshots.isRunning) return true;
    const failures = figures[JournalFigure.FailuresInSeries]!;
    if (failures >= FAILURES_FREE) {
      const waitS = Math.min(RETRY_S * 2 ** (failures - FAILURES_FREE), RETRY_S_MAX);
      if (Date.now() / 1000 - this.lastFailureS < waitS) return false;
    }
    const percentage = config.number('auto-aof-rewrite-percentage');
    if (percentage === 0 || currentBytes <= config.number('auto-aof-rewrite-min-size')) return false;
    const growth = (currentBytes * 100) / Math.max(this.rewriteBaseBytes, 1) - 100;
    if (growth < percentage) return false;
    log.info(`Starting automatic rewriting of AOF on ${Math.floor(growth)}% growth`);
    return true;
  }

  private rewriteWhenAsked(): string {
    const { figures } = this;
    if (figures[JournalFigure.IsRewriting] !== 0) {
      return '-ERR Background append only file rewriting already in progress';
    }
    if (this.snapshots.isRunning) {
      figures[JournalFigure.IsRewriteScheduled] = 1;
      if (this.mode === Mode.Off) void this.rewrite();
      return 'Background append only file rewriting scheduled';
    }
    void this.rewrite();
    return 'Background append only file rewriting started';
  }

  /** Makes a new base. Never throws. */
  private async rewrite(): Promise<void> {
    const { figures } = this;
    if (figures[JournalFigure.IsRewriting] !== 0) return;
    figures[JournalFigure.IsRewriting] = 1;
    figures[JournalFigure.IsRewriteScheduled] = 0;
    const startedMs = Date.now();
    figures[JournalFigure.RewriteStartedS] = Math.floor(startedMs / 1000);
    log.info('Background append only file rewriting started');
    let problem = '';
    for (let attempt = 1; attempt <= RESTARTS_MAX; attempt++) {
      try {
        await this.rewriteOnce();
        problem = '';
        break;
      } catch (error) {
        problem = (error as Error).message;
        if (!(error instanceof SnapshotError && error.isCancelled)) break;
        log.info(`The rewrite begins anew: ${problem}`);
      }
    }
    figures[JournalFigure.IsRewriting] = 0;
    figures[JournalFigure.RewriteSeconds] = Math.round((Date.now() - startedMs) / 1000);
    figures[JournalFigure.HasRewriteFailed] = problem === '' ? 0 : 1;
    if (problem === '') this.rewritten();
    else this.failedToRewrite(problem);
  }

  private rewritten(): void {
    this.figures[JournalFigure.Rewrites]!++;
    this.figures[JournalFigure.FailuresInSeries] = 0;
    if (this.mode === Mode.AwaitingBase) this.setMode(Mode.On);
    this.rewriteBaseBytes = this.currentBytes;
    log.info('Background AOF rewrite finished successfully');
  }

  private failedToRewrite(problem: string): void {
    this.figures[JournalFigure.FailuresInSeries]!++;
    this.lastFailureS = Date.now() / 1000;
    log.error(
      `Background AOF rewrite failed: ${problem}. The files there are stay as they are, and go on. ` +
        'Look at the free space of, and the permissions on, the folder that `dir` names',
    );
    if (this.mode === Mode.AwaitingBase) setTimeout(() => void this.rewrite(), RETRY_S * 1000);
  }

  private async rewriteOnce(): Promise<void> {
    const { folder } = this;
    mkdirSync(folder, { recursive: true });
    const manifest = (this.manifest ??=
      readManifest(this.keeper) ?? new Manifest(this.keeper.config.text('appendfilename')));
    const isAwaiting = this.mode === Mode.AwaitingBase;
    if (this.mode === Mode.On) this.openNext(manifest.copy());
    else if (isAwaiting) this.openTemporary();
    const name = this.manifest.nextBaseName(true);
    try {
      await this.writeBase(join(folder, name), () => {
        if (this.nextFile !== null) this.switchNumber = Atomics.load(this.state, JournalWord.LastNumber);
      });
    } catch (error) {
      // The new increment goes on where the old one ends, whenever that is: nothing was replaced.
      if (this.nextFile !== null && this.mode === Mode.On) {
        this.switchNumber ??= Atomics.load(this.state, JournalWord.LastNumber);
      }
      throw error;
    }
    while (this.nextFile !== null) {
      this.look();
      await Bun.sleep(LOOK_MS);
    }
    await this.adopt(name, isAwaiting);
  }

  /** The base is whole, and what has been recorded since goes into the current increment. */
  private async adopt(baseName: string, isAwaiting: boolean): Promise<void> {
    const { folder } = this;
    const manifest = this.manifest!.copy();
    manifest.setBase(baseName);
    if (isAwaiting) {
      const name = manifest.addIncrement();
      renameSync(join(folder, TEMPORARY_INCREMENT), join(folder, name));
      syncFolder(folder);
    }
    manifest.retireIncrements(this.file === null ? 0 : 1);
    manifest.save(folder);
    this.manifest = manifest;
    this.removeHistory();
    this.measure();
  }

  /** The next increment is in the manifest before anything is written to it. */
  private openNext(manifest: Manifest): void {
    const name = manifest.addIncrement();
    const next = new IncrementFile(join(this.folder, name));
    manifest.save(this.folder);
    this.manifest = manifest;
    this.nextFile = next;
  }

  /** Without a base an increment means nothing: it gets its name when there is one. */
  private openTemporary(): void {
    const path = join(this.folder, TEMPORARY_INCREMENT);
    void this.file?.close();
    this.file = null;
    rmSync(path, { force: true });
    this.nextFile = new IncrementFile(path);
  }

  private async writeBase(path: string, atMoment: () => void): Promise<void> {
    const { config } = this.keeper;
    const file = new SnapshotFile(path, {
      isSumming: config.flag('rdbchecksum'),
      syncsOften: config.flag('aof-rewrite-incremental-fsync'),
    });
    try {
      await this.snapshots.takeFor({ file, isAofBase: true, atMoment });
    } catch (error) {
      file.abandon();
      throw error;
    }
  }

  private removeHistory(): void {
    const { manifest, folder } = this;
    if (manifest!.history.length === 0 || this.keeper.config.flag('aof-disable-auto-gc')) return;
    for (const { name } of manifest!.history) rmSync(join(folder, name), { force: true });
    const rest = manifest!.copy();
    rest.history = [];
    rest.save(folder);
    this.manifest = rest;
  }
}
