/** Files that are whole or not there, also when the system fails at any call. */
import { afterAll, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileSystem, SnapshotFile } from '../../src/persist/snapshot-file.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'snapshot-'));
const PATH = join(FOLDER, 'dump.rdb');
const OPTIONS = { isSumming: true, syncsOften: true };
const OLD = 'what was there';
/** More than is synced at once. */
const LARGE = Buffer.alloc(9 << 20, 'abcdefg');

beforeEach(() => {
  for (const name of readdirSync(FOLDER)) rmSync(join(FOLDER, name), { recursive: true });
  writeFileSync(PATH, OLD);
});
afterAll(() => rmSync(FOLDER, { recursive: true }));

test('a finished file has the bytes written and their checksum', async () => {
  const file = new SnapshotFile(PATH, OPTIONS);
  file.write(Buffer.from('1234'));
  file.write(Buffer.from('56789'));
  expect(readFileSync(PATH, 'latin1')).toBe(OLD);
  await file.finish();
  // The checksum of "123456789" in Redis' variant, least byte first.
  expect(readFileSync(PATH, 'hex')).toBe(`${Buffer.from('123456789').toString('hex')}cad9b8c414d9c6e9`);
  expect(readdirSync(FOLDER)).toEqual(['dump.rdb']);
});

test('without checksums there are zeros', async () => {
  const file = new SnapshotFile(PATH, { ...OPTIONS, isSumming: false });
  file.write(LARGE);
  await file.finish();
  expect(readFileSync(PATH).equals(Buffer.concat([LARGE, Buffer.alloc(8)]))).toBe(true);
  expect(file.byteCount).toBe(LARGE.length + 8);
});

test('an abandoned file leaves nothing behind', () => {
  const file = new SnapshotFile(PATH, OPTIONS);
  file.write(LARGE);
  file.abandon();
  expect(readdirSync(FOLDER)).toEqual(['dump.rdb']);
  expect(readFileSync(PATH, 'latin1')).toBe(OLD);
});

const failure = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code });

/** A system in which call `failing`, counted over writes and syncs, fails. */
function failingSystem(failing: number): FileSystem & { calls: number } {
  const system = {
    calls: 0,
    write(file: number, bytes: Uint8Array, at: number, byteCount: number): number {
      if (system.calls++ === failing) throw failure('ENOSPC');
      return writeSync(file, bytes, at, byteCount);
    },
    sync(_file: number, done: (error: Error | null) => void): void {
      const fails = system.calls++ === failing;
      setImmediate(() => done(fails ? failure('EIO') : null));
    },
  };
  return system;
}

async function writeAll(file: SnapshotFile): Promise<void> {
  for (let at = 0; at < LARGE.length; at += 1 << 20) {
    file.write(LARGE.subarray(at, at + (1 << 20)));
    if (file.isBehind) await file.settle();
  }
  await file.finish();
}

test('whichever write or sync fails, the writer is told and the old file stays', async () => {
  const counting = failingSystem(-1);
  await writeAll(new SnapshotFile(PATH, OPTIONS, counting));
  expect(counting.calls).toBeGreaterThan(38);
  for (let failing = 0; failing < counting.calls; failing++) {
    writeFileSync(PATH, OLD);
    const file = new SnapshotFile(PATH, OPTIONS, failingSystem(failing));
    let error: Error | null = null;
    try {
      await writeAll(file);
    } catch (caught) {
      error = caught as Error;
      file.abandon();
    }
    expect(error?.message ?? 'none').toContain('it failed');
    expect(readdirSync(FOLDER)).toEqual(['dump.rdb']);
    expect(readFileSync(PATH, 'latin1')).toBe(OLD);
  }
});

test('short writes are gone on with', async () => {
  const system: FileSystem = {
    write: (file, bytes, at, byteCount) => writeSync(file, bytes, at, Math.min(byteCount, 1000)),
    sync: (_file, done) => setImmediate(() => done(null)),
  };
  const file = new SnapshotFile(PATH, { isSumming: false, syncsOften: true }, system);
  file.write(LARGE.subarray(0, 1 << 20));
  await file.finish();
  expect(
    readFileSync(PATH)
      .subarray(0, 1 << 20)
      .equals(LARGE.subarray(0, 1 << 20)),
  ).toBe(true);
});

test('a name that cannot be taken is an error, and nothing is left behind', async () => {
  rmSync(PATH);
  mkdirSync(PATH);
  const file = new SnapshotFile(PATH, OPTIONS);
  file.write(Buffer.from('x'));
  await expect(file.finish()).rejects.toThrow();
  file.abandon();
  expect(readdirSync(FOLDER)).toEqual(['dump.rdb']);
});
