/**
 * Replacing a file as a whole: the new text is written to another file of the same folder, made durable, and renamed.
 * Whatever happens on the way, also a crash, whoever reads the file finds the old one or the new one.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Of a file that was not there: what is written so may hold passwords. */
const NEW_FILE_MODE = 0o600;
const PERMISSIONS = 0o7777;

/** Where `path` leads: replacing a symbolic link by a file would cut off what it links to. */
function resolveLink(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
}

/**
 * Makes `latin1`, a character for each byte, the content of the file at `path`, which keeps its owner and mode. Throws
 * when that fails; the old file is as it was then.
 */
export function replaceFile(path: string, latin1: string): void {
  const target = resolveLink(path);
  const former = statSync(target, { throwIfNoEntry: false });
  // A device or a pipe would be gone, and what wrote to it would write into a file.
  if (former?.isFile() === false)
    throw new Error(former.isDirectory() ? 'Is a directory' : 'Not a regular file');
  const temporary = join(dirname(target), `.${process.pid}-${crypto.randomUUID()}.tmp`);
  try {
    const file = openSync(temporary, 'wx', NEW_FILE_MODE);
    try {
      if (former !== undefined) keepOwnership(file, former);
      writeAll(file, Buffer.from(latin1, 'latin1'));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(target));
}

function keepOwnership(file: number, former: { uid: number; gid: number; mode: number }): void {
  if (process.getuid?.() === 0) fchownSync(file, former.uid, former.gid);
  fchmodSync(file, former.mode & PERMISSIONS);
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** "EACCES: permission denied, open 'x'" as Redis says it: "Permission denied". */
export function fileErrorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const reason = /^[A-Z0-9]+: ([^,]+)/.exec(text)?.[1] ?? text;
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}
