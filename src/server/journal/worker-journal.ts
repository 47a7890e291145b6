/**
 * One worker's journal: makes a record of what each command, transaction or script has done, gives it the next number of
 * all workers, and puts it into the worker's ring, while the locks of what changed are held. So the order of the numbers
 * is, for every key, the order of its changes.
 */
import type { Bytes } from '../../base/bytes.ts';
import { Control } from '../../memory/control.ts';
import type { RingProducer } from '../../memory/journal-ring.ts';
import { JournalWord } from '../../memory/journal-state.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { itemClientFlags, recordType, ValueType } from '../../store/record.ts';
import { asItCame, putDelete, putString } from '../../commands/effect.ts';
import { type Call, Flag } from '../../commands/row.ts';
import { putServed } from '../../commands/serve-wait.ts';
import type { ServedWait } from '../../commands/waiting.ts';
import type { Journal } from './journal.ts';
import { RecordRequests } from './requests.ts';

/** Waiting for the keeper ends after this long: something is wrong there, and what is recorded waits on the heap. */
const ROOM_WAIT_MS_MAX = 1000;

export class WorkerJournal implements Journal {
  private readonly keyspace: Keyspace;
  private readonly state: Int32Array;
  private readonly ring: RingProducer;
  /** Wakes the keeper. */
  private readonly wake: () => void;
  private readonly requests = new RecordRequests();
  /** The database of the first and of the last request of the record being made. */
  private firstDatabase = 0;
  private lastDatabase = 0;
  private itemFlags = 0;
  private groupDepth = 0;
  /** An effect is being told: what lapses meanwhile is part of it. */
  private isTelling = false;
  private willWake = false;
  /** Number of the last record made here. */
  lastNumber: number;

  constructor(keyspace: Keyspace, state: Int32Array, ring: RingProducer, wake: () => void) {
    this.keyspace = keyspace;
    this.state = state;
    this.ring = ring;
    this.wake = wake;
    this.lastNumber = Atomics.load(state, JournalWord.LastNumber);
  }

  append(call: Call): void {
    const { row } = call;
    // PFCOUNT keeps what it has counted.
    if ((row.flags & (Flag.Write | Flag.MayReplicate)) === 0) return;
    this.enter(call.client.database);
    this.isTelling = true;
    (row.effect ?? asItCame)(call, this.requests);
    this.isTelling = false;
    this.leave();
  }

  appendServed(served: ServedWait): void {
    this.enter(this.logical(served.key.database));
    this.isTelling = true;
    putServed(served, this.requests);
    this.isTelling = false;
    this.leave();
  }

  appendItem(key: Key): void {
    this.enter(this.logical(key.database));
    this.isTelling = true;
    const record = this.keyspace.find(key);
    this.isTelling = false;
    if (record === 0) putDelete(key, this.requests);
    else if (recordType(key.shard, record) === ValueType.String) {
      putString(key, this.requests);
      this.itemFlags = itemClientFlags(key.shard, record);
    }
    this.leave();
  }

  appendFlush(database: number): void {
    this.enter(this.logical(database));
    this.requests.put(['FLUSHDB']);
    this.leave();
  }

  /** A key is about to be removed by nobody's command: its time has come, or its memory is needed. */
  appendLapsed(key: Key): void {
    if (this.isTelling) return;
    this.enter(this.logical(key.database));
    putDelete(key, this.requests);
    this.leave();
  }

  /** The same for a field of a hash. */
  appendLapsedField(key: Key, field: Bytes, at: number, byteCount: number): void {
    if (this.isTelling) return;
    this.enter(this.logical(key.database));
    this.requests.begin(3);
    this.requests.word('HDEL');
    this.requests.bytes(key.bytes, key.at, key.byteCount);
    this.requests.bytes(field, at, byteCount);
    this.leave();
  }

  beginGroup(): void {
    if (this.groupDepth++ === 0) this.requests.clear();
  }

  endGroup(): void {
    if (this.groupDepth === 0) return;
    if (--this.groupDepth === 0) this.publish();
  }

  /** What follows is about a logical database. */
  private enter(database: number): void {
    const { requests } = this;
    if (this.groupDepth === 0) {
      requests.clear();
      this.itemFlags = 0;
    }
    if (requests.count === 0) this.firstDatabase = database;
    else if (this.lastDatabase !== database) requests.put(['SELECT', `${database}`]);
    this.lastDatabase = database;
  }

  private leave(): void {
    if (this.groupDepth === 0) this.publish();
  }

  private publish(): void {
    const { requests } = this;
    if (requests.count === 0) return;
    requests.finish();
    // From here on nothing may fail: the keeper waits for every number that was taken.
    this.lastNumber = (Atomics.add(this.state, JournalWord.LastNumber, 1) + 1) | 0;
    const databases = this.firstDatabase | (this.lastDatabase << 16);
    this.ring.push(
      this.lastNumber,
      databases,
      this.itemFlags,
      requests.source,
      requests.at,
      requests.byteCount,
    );
    requests.clear();
    this.itemFlags = 0;
    if (Atomics.load(this.state, JournalWord.KeeperAsleep) !== 0) this.wakeSoon();
    else if (this.ring.spilledBytes > 0) this.drainLater();
  }

  /** Not under the locks that are held now. */
  private wakeSoon(): void {
    if (this.willWake) return;
    this.willWake = true;
    queueMicrotask(() => {
      this.willWake = false;
      this.wakeNow();
      this.drainLater();
    });
  }

  private wakeNow(): void {
    const { state } = this;
    if (Atomics.compareExchange(state, JournalWord.KeeperAsleep, 1, 0) === 1) this.wake();
  }

  private willDrain = false;

  private drainLater(): void {
    if (this.willDrain || this.ring.spilledBytes === 0) return;
    this.willDrain = true;
    setTimeout(() => {
      this.willDrain = false;
      this.drainSpill();
      this.drainLater();
    }, 1);
  }

  /** Moves into the ring what had to wait for room in it. */
  drainSpill(): void {
    this.ring.drainSpill();
    this.wakeNow();
  }

  /** Must be called before locks are taken for what a read has brought: waits while the ring is full. */
  makeRoom(): void {
    if (this.ring.hasRoom) return;
    this.wakeNow();
    const deadlineMs = performance.now() + ROOM_WAIT_MS_MAX;
    this.ring.makeRoom(() => {
      this.wakeNow();
      return this.state[JournalWord.WriteError] === 0 && performance.now() < deadlineMs;
    });
    this.drainLater();
  }

  /** The logical database that stands for a physical one. Under any lock. */
  private logical(physical: number): number {
    const { words } = this.keyspace.control;
    let database = 0;
    while (words[Control.DatabaseMap + database] !== physical) database++;
    return database;
  }
}
