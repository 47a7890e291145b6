import { expect, test } from 'bun:test';
import { mkdtempSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newestSnapshot, snapshotName } from '../../src/persist/file-name.ts';

const DATE = new Date('2026-03-04T05:06:07.890Z');

test.each([
  ['dump.rdb', 'dump.rdb'],
  ['dump-{timestamp}.rdb', 'dump-2026-03-04T05:06:07.rdb'],
  ['{Y}/{m}', '2026/03'],
  ['a-{Y}{m}{d}-{H}{M}{S}.rdb', 'a-20260304-050607.rdb'],
  ['{y}-{}.rdb', '{y}-{}.rdb'],
])('%s becomes %s', (pattern, name) => {
  expect(snapshotName(pattern, DATE)).toBe(name);
});

test('the newest file that the pattern could have made is found, and no other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'names-'));
  const put = (name: string, seconds: number): void => {
    writeFileSync(join(folder, name), '');
    utimesSync(join(folder, name), seconds, seconds);
  };
  expect(newestSnapshot(folder, 'a-{Y}{m}.rdb')).toBeNull();
  expect(newestSnapshot(folder, 'dump.rdb')).toBeNull();
  expect(newestSnapshot(folder, '')).toBeNull();
  put('a-202601.rdb', 300);
  put('a-202602.rdb', 200);
  put('a-202603xrdb', 900);
  put('a-20260.rdb', 900);
  put('dump.rdb', 900);
  expect(newestSnapshot(folder, 'a-{Y}{m}.rdb')).toBe(join(folder, 'a-202601.rdb'));
  expect(newestSnapshot(folder, 'dump.rdb')).toBe(join(folder, 'dump.rdb'));
});
