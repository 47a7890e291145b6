import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../../src/base/bytes.ts';
import { verifyAllocator } from '../../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../../src/memory/shard.ts';
import {
  addTableField,
  copyFieldTable,
  createFieldTable,
  describeFieldTable,
  fieldTableBytesUsed,
  findTableField,
  freeFieldsSlice,
  isSweeping,
  pointAtBlockField,
  pointAtBlockValue,
  removeTableField,
  setTableFieldTime,
  sweepFields,
  tableExpiringCount,
  tableFieldCount,
  tableMinimum,
  timeOfBlock,
  updateTableField,
  verifyFieldTable,
} from '../../../src/structures/hash/field-table.ts';
import { EntryText } from '../../../src/structures/packed-entry.ts';
import { NEVER } from '../../../src/structures/hash/packed-fields.ts';
import { slotRef } from '../../../src/structures/table.ts';

/** Lengths around those at which the length itself becomes longer, and 255, with which times begin. */
const LENGTHS = [0, 1, 7, 100, 252, 253, 254, 255, 256, 1000, 70_000];
const text = new EntryText();

class Fixture {
  readonly shard = new Shard(0, createShardMemory(16 << 20));
  readonly root = createFieldTable(this.shard);

  hash(name: string): number {
    let hash = 7;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    return hash >>> 1;
  }

  add(name: string, value: string, timeMs = 0): number {
    const [field, content] = [Bytes.fromText(name), Bytes.fromText(value)];
    return addTableField(
      this.shard,
      this.root,
      this.hash(name),
      field,
      0,
      field.u8.length,
      content,
      0,
      content.u8.length,
      timeMs,
    );
  }

  find(name: string): number {
    const field = Bytes.fromText(name);
    return findTableField(this.shard, this.root, this.hash(name), field, 0, field.u8.length);
  }

  update(name: string, value: string, timeMs = 0): boolean {
    const content = Bytes.fromText(value);
    const slot = this.find(name);
    return updateTableField(this.shard, this.root, slot, content, 0, content.u8.length, timeMs);
  }

  read(name: string): [field: string, value: string, timeMs: number] {
    const block = slotRef(this.shard, this.find(name));
    pointAtBlockField(this.shard, block, text);
    const field = text.toString();
    pointAtBlockValue(this.shard, block, text);
    return [field, text.toString(), timeOfBlock(this.shard, block)];
  }

  /** Checks the table, and that it is all that the shard holds. */
  verify(): void {
    const bytes = verifyFieldTable(this.shard, this.root);
    expect(verifyAllocator(this.shard)).toBe(bytes);
    expect(fieldTableBytesUsed(this.shard, this.root)).toBe(bytes);
  }
}

describe('a table of fields', () => {
  test('holds texts of every length, with times and without', () => {
    const table = new Fixture();
    for (const length of LENGTHS) {
      for (const timeMs of [0, 5000]) {
        const name = `${timeMs}${'f'.repeat(length)}`;
        expect(table.add(name, 'v'.repeat(length), timeMs)).not.toBe(0);
        expect(table.read(name)).toEqual([name, 'v'.repeat(length), timeMs]);
      }
    }
    expect(tableFieldCount(table.shard, table.root)).toBe(LENGTHS.length * 2);
    expect(tableExpiringCount(table.shard, table.root)).toBe(LENGTHS.length);
    expect(table.find('none')).toBe(0);
    expect(describeFieldTable(table.shard, table.root)).toContain('11 fields expire');
    table.verify();
  });

  test('gives a field any other value, keeping its block where that fits', () => {
    const table = new Fixture();
    table.add('a', 'first');
    for (const from of LENGTHS) {
      for (const to of LENGTHS) {
        for (const [before, after] of [
          [0, 0],
          [0, 7],
          [7, 0],
          [7, 9],
        ] as const) {
          table.update('a', 'x'.repeat(from), before);
          expect(table.update('a', 'y'.repeat(to), after)).toBe(true);
          expect(table.read('a')).toEqual(['a', 'y'.repeat(to), after]);
        }
      }
    }
    table.verify();
  });

  test('gives and takes times', () => {
    const table = new Fixture();
    const { shard, root } = table;
    for (const length of LENGTHS) table.add(`f${length}`, 'v'.repeat(length));
    for (const length of LENGTHS) {
      const name = `f${length}`;
      for (const timeMs of [0, 600, 700, 0, 0, 800]) {
        expect(setTableFieldTime(shard, root, table.find(name), timeMs)).toBe(true);
        expect(table.read(name)).toEqual([name, 'v'.repeat(length), timeMs]);
      }
      table.verify();
    }
    // The smallest it has seen: not exact before a sweep.
    expect(tableMinimum(shard, root)).toBe(600);
    expect(sweepFields(shard, root, 800, 1000)).toBe(0);
    expect(tableMinimum(shard, root)).toBe(800);
    for (const length of LENGTHS) setTableFieldTime(shard, root, table.find(`f${length}`), 0);
    expect([tableExpiringCount(shard, root), tableMinimum(shard, root)]).toEqual([0, NEVER]);
    table.verify();
  });

  test('is swept slice by slice, whatever comes and goes meanwhile', () => {
    const table = new Fixture();
    const { shard, root } = table;
    for (let i = 0; i < 3000; i++) table.add(`f${i}`, 'v', 1000 + (i % 3) * 100);
    expect(isSweeping(shard, root)).toBe(false);
    let removed = sweepFields(shard, root, 1101, 100);
    expect(removed).toBeLessThan(101);
    expect(isSweeping(shard, root)).toBe(true);
    // Added before and behind the place that the sweep has come to.
    for (let i = 0; i < 500; i++) table.add(`new${i}`, 'v', i === 77 ? 1111 : 5000);
    removeTableField(shard, root, table.find('f2'));
    table.verify();
    while (isSweeping(shard, root)) {
      removed += sweepFields(shard, root, 1101, 100);
      table.verify();
    }
    expect(removed).toBe(2000);
    expect(tableFieldCount(shard, root)).toBe(1000 - 1 + 500);
    expect(tableMinimum(shard, root)).toBe(1111);
    sweepFields(shard, root, 1112, 100_000);
    expect(table.find('new77')).toBe(0);
    expect(tableMinimum(shard, root)).toBe(1200);
    table.verify();
  });

  test('is copied with its times, and freed bit by bit', () => {
    const table = new Fixture();
    const other = new Fixture();
    for (let i = 0; i < 3000; i++) table.add(`f${i}`, `v${i}`, i % 2 === 0 ? 0 : 1000 + i);
    const copy = copyFieldTable(table.shard, table.root, other.shard);
    expect(tableFieldCount(other.shard, copy)).toBe(3000);
    expect(tableExpiringCount(other.shard, copy)).toBe(1500);
    expect(tableMinimum(other.shard, copy)).toBe(1001);
    verifyFieldTable(other.shard, copy);
    const field = Bytes.fromText('f1999');
    const slot = findTableField(other.shard, copy, table.hash('f1999'), field, 0, 5);
    pointAtBlockValue(other.shard, slotRef(other.shard, slot), text);
    expect([text.toString(), timeOfBlock(other.shard, slotRef(other.shard, slot))]).toEqual(['v1999', 2999]);
    let slices = 0;
    for (let cursor = 0; cursor >= 0; slices++) cursor = freeFieldsSlice(other.shard, copy, cursor, 500);
    expect(slices).toBeGreaterThan(4);
    other.verify();
  });

  test('leaves nothing behind where there is no memory', () => {
    const table = new Fixture();
    const tiny = new Shard(0, createShardMemory(512 << 10));
    for (let i = 0; i < 20_000; i++) table.add(`f${i}`, `v${i}`, 1);
    expect(copyFieldTable(table.shard, table.root, tiny)).toBe(0);
    expect(verifyAllocator(tiny)).toBe(0);
  });
});
