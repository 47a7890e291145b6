/** Every memcached command, found by the bytes of its verb without making a string. */
import { assert } from '../../base/assert.ts';
import { ADMINISTRATION_ROWS } from './administration.ts';
import { META_ROWS } from './meta.ts';
import type { MemcachedRow } from './row.ts';
import { TEXT_ROWS } from './text.ts';

export const MEMCACHED_ROWS: readonly MemcachedRow[] = [...TEXT_ROWS, ...META_ROWS, ...ADMINISTRATION_ROWS];

const SLOTS = 128;

export class MemcachedRegistry {
  private readonly slots: (MemcachedRow | null)[] = Array.from({ length: SLOTS }, () => null);
  private readonly verbs: (Buffer | null)[] = Array.from({ length: SLOTS }, () => null);

  constructor() {
    for (const row of MEMCACHED_ROWS) this.add(row);
  }

  private add(row: MemcachedRow): void {
    const verb = Buffer.from(row.verb);
    let slot = slotOf(verb, 0, verb.length);
    while (this.slots[slot] !== null) {
      assert(this.slots[slot]!.verb !== row.verb, 'two memcached commands of one verb');
      slot = (slot + 1) & (SLOTS - 1);
    }
    this.slots[slot] = row;
    this.verbs[slot] = verb;
  }

  /** The command whose verb stands at `u8[at, at + byteCount)`, or null. memcached: case matters. */
  find(u8: Uint8Array, at: number, byteCount: number): MemcachedRow | null {
    if (byteCount < 2) return null;
    let slot = slotOf(u8, at, byteCount);
    for (;;) {
      const row = this.slots[slot]!;
      if (row === null || isSame(this.verbs[slot]!, u8, at, byteCount)) return row;
      slot = (slot + 1) & (SLOTS - 1);
    }
  }
}

/** Length, first and second letter tell nearly all verbs apart. Verbs have at least two bytes. */
function slotOf(u8: Uint8Array, at: number, byteCount: number): number {
  return (byteCount * 5 + u8[at]! * 11 + u8[at + 1]! * 29) & (SLOTS - 1);
}

function isSame(verb: Uint8Array | null, u8: Uint8Array, at: number, byteCount: number): boolean {
  if (verb === null || verb.length !== byteCount) return false;
  for (let i = 0; i < byteCount; i++) if (verb[i] !== u8[at + i]) return false;
  return true;
}
