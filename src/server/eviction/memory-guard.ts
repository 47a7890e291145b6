/**
 * One worker's watch over `maxmemory`: before a command that may make the data grow is run, it sees to it that there is
 * room, by evicting other keys where that is allowed.
 *
 * Used memory is a sum over all shards, so it is not formed for every command: so many bytes of requests may be run
 * before it is looked at again, few enough for all workers together to stay within 1 % of the limit. Each worker writes
 * into the control block how much it may add until it looks again, and counts what the others may add as used: without
 * that a megabyte from each worker at the same moment would pass the limit by all of them.
 *
 * What is above the limit because the limit was lowered goes bit by bit: a command evicts twice what it adds itself, and
 * for some time more (maxmemory-eviction-tenacity), and the rest is left to the duty.
 */
import type { Command } from '../../commands/registry.ts';
import type { Call } from '../../commands/row.ts';
import { Control, type ControlBlock, Counter } from '../../memory/control.ts';
import { Evicted, type Evictor } from '../../store/eviction/evictor.ts';
import type { Keyspace } from '../../store/keyspace.ts';

/** So little data is in the processor's cache all the time, and need not be fetched into it. */
const CACHED_BYTES_MAX = 64 << 10;
/** What all workers may add together before each looks again, as a share of the limit. */
const STEP_SHARE = 1 / 256;
const STEP_BYTES_MIN = 4 << 10;
/** Looking more rarely saves nothing, and was measured to be slower: what hardly ever runs is compiled as if it never did. */
const STEP_BYTES_MAX = 32 << 10;
/** So many times its own bytes a request may add: short elements of collections take a slot and a block each. */
const GROWTH = 4;
/** A request from which on its own size is counted. */
const LARGE_BYTES = 64 << 10;
/** What a large value takes, in its size class. */
const LARGE_GROWTH = 1.25;
/** The clock is looked at once in so many evictions. */
const CLOCK_EVICTIONS = 16;

export class MemoryGuard {
  /** While set, commands that may grow the data are refused. */
  isFull = false;
  /** How long a command may go on evicting beyond what it needs. */
  patienceMs = 0.5;
  /** Nothing is evicted before this time (CLIENT PAUSE). */
  readonly pause: { readonly untilMs: number };
  /** Called after evictions, which took so long. */
  onEvicted: (elapsedMs: number) => void = () => {};
  private readonly keyspace: Keyspace;
  private readonly evictor: Evictor;
  private readonly control: ControlBlock;
  private limitBytes = 0;
  private stepBytes = STEP_BYTES_MAX;
  /** Bytes of requests that may still be run before used memory is looked at. */
  private restBytes = 0;

  constructor(
    keyspace: Keyspace,
    evictor: Evictor,
    control: ControlBlock,
    pause: { readonly untilMs: number },
  ) {
    this.keyspace = keyspace;
    this.evictor = evictor;
    this.control = control;
    this.pause = pause;
  }

  /** `limitBytes` 0: there is no limit. */
  configure(limitBytes: number): void {
    this.limitBytes = limitBytes;
    const share = limitBytes === 0 ? Infinity : (limitBytes * STEP_SHARE) / this.control.workerCount;
    this.stepBytes = Math.min(Math.max(Math.floor(share), STEP_BYTES_MIN), STEP_BYTES_MAX);
    this.restBytes = 0;
  }

  /** Renews `isFull` for the request in `call`, whose command may make the data grow. The caller holds no lock. */
  admitRequest({ args, count }: Pick<Call, 'args' | 'count'>, command: Command): void {
    const last = (count - 1) * 2;
    const byteCount = args[last]! + args[last + 1]! - args[0]!;
    // One read may bring thousands of requests that each make half a gigabyte of fifty bytes.
    if (command.grows) this.check(byteCount);
    else this.admit(byteCount);
  }

  /** Must be called, with no lock held, before a command that may grow the data: its request has so many bytes. Hot. */
  admit(byteCount: number): void {
    this.restBytes -= byteCount;
    if (this.restBytes < 0) this.check(byteCount);
  }

  /** Renews `isFull` for a command that may add `byteCount` bytes; evicts if need be. The caller holds no lock. */
  check(byteCount: number): void {
    const { limitBytes, stepBytes } = this;
    this.restBytes = stepBytes / GROWTH;
    const usedBytes = this.look(byteCount);
    if (limitBytes === 0 || !this.evictor.isOn) return;
    const isLarge = byteCount >= LARGE_BYTES;
    if (isLarge && byteCount > limitBytes) return;
    const ownBytes = stepBytes + (isLarge ? byteCount * LARGE_GROWTH : 0);
    this.reserve(ownBytes);
    if (usedBytes + this.reservedBytes() > limitBytes) this.makeRoom(byteCount, ownBytes);
  }

  /** Renews `isFull` without evicting: for whoever holds locks. Returns the bytes used. */
  look(byteCount: number): number {
    const { keyspace, limitBytes } = this;
    const usedBytes = keyspace.usedBytes();
    keyspace.isCached = usedBytes < CACHED_BYTES_MAX;
    const { doubles } = this.control;
    if (usedBytes > doubles[Control.PeakBytes >> 1]!) doubles[Control.PeakBytes >> 1] = usedBytes;
    this.isFull = limitBytes > 0 && usedBytes + (byteCount >= LARGE_BYTES ? byteCount : 0) > limitBytes;
    if (this.isFull) this.restBytes = 0;
    return usedBytes;
  }

  private makeRoom(byteCount: number, ownBytes: number): void {
    const { evictor, keyspace } = this;
    if (this.pause.untilMs > keyspace.nowMs) {
      this.isFull = false;
      return;
    }
    const started = performance.now();
    const freedBefore = evictor.freedBytes;
    let outcome = Evicted.Some;
    for (let evictions = 1; outcome === Evicted.Some; evictions++) {
      outcome = evictor.evict();
      if (this.missingBytes() <= 0) break;
      if (evictions % CLOCK_EVICTIONS !== 0 || evictor.freedBytes - freedBefore < 2 * ownBytes) continue;
      if (performance.now() - started > this.patienceMs) break;
    }
    if (outcome === Evicted.Some) {
      this.isFull = false;
      this.restBytes = this.stepBytes / GROWTH;
    } else this.look(byteCount);
    this.onEvicted(performance.now() - started);
  }

  /** Bytes used, and about to be, above the limit. */
  private missingBytes(): number {
    return this.keyspace.usedBytes() + this.reservedBytes() - this.limitBytes;
  }

  private reserve(byteCount: number): void {
    this.keyspace.counters[Counter.ReservedBytes] = byteCount;
  }

  private reservedBytes(): number {
    return this.control.total(Counter.ReservedBytes);
  }

  /** To be called when the worker has nothing to do, about ten times a second. */
  rest(): void {
    this.reserve(0);
    this.restBytes = 0;
  }

  /** Bytes used above the limit. */
  get excessBytes(): number {
    return this.limitBytes === 0 ? 0 : this.keyspace.usedBytes() - this.limitBytes;
  }

  /** Evicts for about so long, as far as there is more than the limit. Whether there is more to do. */
  evictFor(turnMs: number): boolean {
    if (!this.evictor.isOn || this.excessBytes <= 0 || this.pause.untilMs > this.keyspace.nowMs) return false;
    const started = performance.now();
    let outcome = Evicted.Some;
    while (outcome === Evicted.Some && this.excessBytes > 0 && performance.now() - started < turnMs) {
      outcome = this.evictor.evict();
    }
    this.onEvicted(performance.now() - started);
    return outcome === Evicted.Some && this.excessBytes > 0;
  }
}
