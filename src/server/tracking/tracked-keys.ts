/** What the clients of one worker have read: by key, who is to be told when it changes. */
import type { TrackingBoard } from '../../store/tracking-board.ts';
import { Counter } from '../../memory/control.ts';

interface TrackedKey {
  readonly slot: number;
  /** Ids of clients: of one, or of several. */
  clients: number | Set<number>;
}

const SLOTS = 65536;
const NOBODY: readonly number[] = [];

export class TrackedKeys {
  private readonly board: TrackingBoard;
  private readonly counters: Float64Array;
  private readonly keys = new Map<string, TrackedKey>();
  /** How many keys there are, or are being read, of each slot of the board's filter, whose bit is set while there are any. */
  private slotCounts: Int32Array | null = null;

  constructor(board: TrackingBoard, counters: Float64Array) {
    this.board = board;
    this.counters = counters;
  }

  get size(): number {
    return this.keys.size;
  }

  /** Has others look here when a key of this slot changes. Before the key is read; `remember` must follow. */
  expect(slot: number): void {
    this.slotCounts ??= new Int32Array(SLOTS);
    // Counted now, so that the bit cannot be cleared before `remember`.
    if (this.slotCounts[slot]!++ === 0) this.board.setFilter(slot);
  }

  /** A client has read a key, which was expected. */
  remember(key: string, slot: number, clientId: number): void {
    const tracked = this.keys.get(key);
    if (tracked === undefined) {
      this.keys.set(key, { slot, clients: clientId });
      this.counters[Counter.TrackedKeys]!++;
      this.counters[Counter.TrackedItems]!++;
      return;
    }
    this.slotCounts![slot]!--;
    const { clients } = tracked;
    if (clients === clientId) return;
    if (typeof clients === 'number') tracked.clients = new Set([clients, clientId]);
    else if (clients.has(clientId)) return;
    else clients.add(clientId);
    this.counters[Counter.TrackedItems]!++;
  }

  /** Forgets a key. Returns who had read it. */
  take(key: string): Iterable<number> {
    const tracked = this.keys.get(key);
    if (tracked === undefined) return NOBODY;
    this.keys.delete(key);
    if (--this.slotCounts![tracked.slot]! === 0) this.board.clearFilter(tracked.slot);
    const { clients } = tracked;
    this.counters[Counter.TrackedKeys]!--;
    this.counters[Counter.TrackedItems]! -= typeof clients === 'number' ? 1 : clients.size;
    return typeof clients === 'number' ? [clients] : clients;
  }

  /** A key that has been remembered for long, or undefined. */
  get oldest(): string | undefined {
    return this.keys.keys().next().value;
  }

  /** Forgets everything. */
  clear(): void {
    const counts = this.slotCounts;
    if (counts === null) return;
    for (let slot = 0; slot < SLOTS; slot++) if (counts[slot] !== 0) this.board.clearFilter(slot);
    this.slotCounts = null;
    this.keys.clear();
    this.counters[Counter.TrackedKeys] = 0;
    this.counters[Counter.TrackedItems] = 0;
  }
}
