/**
 * Loading an append-only file: its base, a snapshot or a list of requests, and then every increment. The snapshot is loaded
 * by all workers, requests are run again by one, in their order. Redis' rules for a file that ends too early.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  readFileSync,
  renameSync,
} from 'node:fs';
import { join } from 'node:path';
import { Manifest, type ManifestPart } from '../../persist/append-only/manifest.ts';
import type { Keeper } from '../keeper/keeper.ts';
import { FileLoader } from '../keeper/loading.ts';
import { log } from '../log.ts';
import { REPLAY, type ReplayOutcome, type ReplayRequest } from './replay-topic.ts';

const CHUNK_BYTES = 1 << 20;
const SNAPSHOT_MAGIC = 'REDIS';
/** Redis 7 wrote `VALKEY` nowhere; valkey 9 does. */
const MAGIC_BYTES = 5;

/** Reads the manifest, or makes one of a file from before Redis 7. Null: there is none. Throws with a text for people. */
export function readManifest(keeper: Keeper): Manifest | null {
  const { config } = keeper;
  const fileName = config.text('appendfilename');
  const folder = join(config.text('dir'), config.text('appenddirname'));
  const path = join(folder, Manifest.nameFor(fileName));
  if (existsSync(path)) {
    try {
      return Manifest.parse(fileName, readFileSync(path, 'utf8'));
    } catch (error) {
      throw new Error(`${path}: ${(error as Error).message}. Nothing was changed`);
    }
  }
  return upgrade(config.text('dir'), folder, fileName);
}

/** Redis: the one file of older versions becomes the base. */
function upgrade(dir: string, folder: string, fileName: string): Manifest | null {
  const old = join(dir, fileName);
  if (!existsSync(old)) return null;
  log.info(
    `Successfully migrated an old-style AOF configuration (${fileName}) into the AOF directory (${folder}).`,
  );
  mkdirSync(folder, { recursive: true });
  const manifest = new Manifest(fileName);
  manifest.setBase(fileName);
  // Whatever happens between the two: the manifest says what the file is to be.
  manifest.save(folder);
  renameSync(old, join(folder, fileName));
  return manifest;
}

export class AppendLoading {
  private readonly keeper: Keeper;
  private readonly folder: string;
  requestCount = 0;

  constructor(keeper: Keeper, folder: string) {
    this.keeper = keeper;
    this.folder = folder;
  }

  /** Loads all parts. Throws with a text for people. */
  async load(manifest: Manifest): Promise<void> {
    const parts = [...(manifest.base === null ? [] : [manifest.base]), ...manifest.increments];
    for (const part of parts) {
      if (!existsSync(join(this.folder, part.name))) {
        throw new Error(
          `The AOF file ${join(this.folder, part.name)} doesn't exist, though the manifest names it`,
        );
      }
    }
    for (const [index, part] of parts.entries()) await this.loadPart(part, index === parts.length - 1);
  }

  private async loadPart(part: ManifestPart, isLast: boolean): Promise<void> {
    const path = join(this.folder, part.name);
    const startedMs = performance.now();
    const file = openSync(path, 'r');
    let byteCount: number;
    try {
      byteCount = fstatSync(file).size;
      if (byteCount === 0) return;
      const magic = Buffer.alloc(MAGIC_BYTES);
      readSync(file, magic, 0, MAGIC_BYTES, 0);
      const startAt = magic.toString('latin1') === SNAPSHOT_MAGIC ? await this.loadSnapshot(path) : 0;
      if (startAt < byteCount) await this.run(path, file, startAt, isLast);
    } finally {
      closeSync(file);
    }
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(3);
    const kind = part.type === 'b' ? 'base' : 'incr';
    log.info(`DB loaded from ${kind} file ${part.name}: ${seconds} seconds`);
  }

  /** Returns where the snapshot ends. */
  private async loadSnapshot(path: string): Promise<number> {
    const loader = new FileLoader(this.keeper, { isDroppingExpired: false, isMerging: false });
    try {
      await loader.load(path);
    } catch (error) {
      throw new Error(`Error reading the RDB preamble of the AOF file ${path}: ${(error as Error).message}`);
    }
    return loader.restAt;
  }

  private async run(path: string, file: number, startAt: number, isLast: boolean): Promise<void> {
    let at = startAt;
    let outcome: ReplayOutcome | null = null;
    for (;;) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const count = readSync(file, chunk, 0, CHUNK_BYTES, at);
      if (count === 0) break;
      const request: ReplayRequest = {
        startAt: outcome === null ? startAt : null,
        chunk: chunk.subarray(0, count),
      };
      at += count;
      outcome = (await this.keeper.askWorker(0, REPLAY, request)) as ReplayOutcome;
      if (outcome.failure !== null) this.refuse(path, outcome.failure);
    }
    if (outcome === null) return;
    this.requestCount += outcome.requestCount;
    if (outcome.isIncomplete) this.cut(path, outcome, isLast);
  }

  private refuse(path: string, { kind, at, reason }: NonNullable<ReplayOutcome['failure']>): never {
    if (kind === 'unknown command') {
      throw new Error(`${reason}: reading the append only file ${path} at offset ${at}. Nothing was changed`);
    }
    throw new Error(
      `Bad file format reading the append only file ${path} at offset ${at}: ${reason}. Nothing was changed. ` +
        'Make a backup of your AOF file, then use redis-check-aof --fix <filename.manifest>',
    );
  }

  /** The file ends within something: only the last one may, and only if that is configured. */
  private cut(path: string, { validUpTo, isInTransaction }: ReplayOutcome, isLast: boolean): void {
    if (isInTransaction) log.warn(`Revert incomplete MULTI/EXEC transaction from AOF file ${path}`);
    if (!isLast) {
      throw new Error(
        `Fatal error: the truncated file ${path} is not the last file; it makes sense up to offset ${validUpTo}`,
      );
    }
    if (!this.keeper.config.flag('aof-load-truncated')) {
      throw new Error(
        `Unexpected end of file reading the append only file ${path}: it makes sense up to offset ${validUpTo}. You can: ` +
          '1) Make a backup of your AOF file, then use redis-check-aof --fix <filename.manifest>. ' +
          "2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and restart the server",
      );
    }
    log.warn(`!!! Warning: short read while loading the AOF file ${path}!!!`);
    log.warn(`AOF ${path} loaded anyway because aof-load-truncated is enabled`);
    const file = openSync(path, 'r+');
    try {
      ftruncateSync(file, validUpTo);
    } finally {
      closeSync(file);
    }
    log.warn(`Truncating the AOF ${path} at offset ${validUpTo}`);
  }
}
