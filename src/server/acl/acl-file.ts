/** The ACL file: a line `user <name> <rules>` for each user. Read as a whole or not at all; written beside and renamed. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { fchmodSync, fchownSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CommandSets } from '../../commands/acl/command-sets.ts';
import { hasSpaces, UNKNOWN_COMMAND } from '../../commands/acl/selector.ts';
import { mergeSelectorWords, User } from '../../commands/acl/user.ts';

export type FileOutcome = { readonly users: readonly User[] } | { readonly error: string };

/** Hashes of passwords are nobody else's business. */
const NEW_FILE_MODE = 0o600;
const UNCHANGED = 'WARNING: ACL errors detected, no change to the previously active ACL rules was performed';

/** The users of the file, or all that is wrong with it. */
export function readAclFile(path: string, sets: CommandSets, allChannels: boolean): FileOutcome {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    return { error: `Error loading ACLs, opening file '${path}': ${reasonOf(error)}` };
  }
  return parseAclFile(text, path, sets, allChannels);
}

/** The users of a text that is read as a file of that name. */
export function parseAclFile(
  text: string,
  path: string,
  sets: CommandSets,
  allChannels: boolean,
): FileOutcome {
  const users = new Map<string, User>();
  let errors = '';
  for (const [index, untrimmed] of text.split('\n').entries()) {
    const line = untrimmed.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
    if (line === '') continue;
    const where = `${path}:${index + 1}`;
    const [keyword, name, ...words] = line.split(' ');
    if (keyword !== 'user' || name === undefined) {
      errors += `${where} should start with user keyword followed by the username. `;
    } else if (hasSpaces(name)) {
      errors += `${where}: username '${name}' contains invalid characters. `;
    } else if (users.has(name)) {
      errors += `WARNING: Duplicate user '${name}' found on line ${index + 1}. `;
    } else {
      const user = new User(name, allChannels);
      users.set(name, user);
      errors += applyLine(user, words, where, sets);
    }
  }
  return errors === '' ? { users: [...users.values()] } : { error: errors + UNCHANGED };
}

/** Redis: every unknown command is told, and of other mistakes the first. */
function applyLine(user: User, words: readonly string[], where: string, sets: CommandSets): string {
  const merged = mergeSelectorWords(words);
  if ('unmatched' in merged) return `${where}: Unmatched parenthesis in selector definition. `;
  let errors = '';
  let hasOther = false;
  for (const rule of merged.rules) {
    const reason = user.apply(rule.replace(/^[\t\r\n]+|[\t\r\n]+$/g, ''), sets);
    if (reason === null) continue;
    if (reason === UNKNOWN_COMMAND) errors += `${where}: Error in applying operation '${rule}': ${reason}. `;
    else if (!hasOther) {
      errors += `${where}: ${reason}. `;
      hasOther = true;
    }
  }
  return errors;
}

/**
 * Replaces the file by one with `lines`: whoever reads it finds the old one or the new one, also after a crash. Keeps
 * its owner and mode. Throws when that fails; the old file is as it was then.
 */
export function writeAclFile(path: string, lines: readonly string[]): void {
  const target = resolveLink(path);
  const former = statSync(target, { throwIfNoEntry: false });
  const temporary = `${target}.tmp-${process.pid}-${Date.now()}`;
  try {
    const file = openSync(temporary, 'wx', NEW_FILE_MODE);
    try {
      if (former !== undefined) {
        if (former.uid !== process.getuid?.() || former.gid !== process.getgid?.())
          fchownSync(file, former.uid, former.gid);
        fchmodSync(file, former.mode & 0o7777);
      }
      writeAll(file, Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'));
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

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

/** Replacing a symbolic link by a file would cut off what it leads to. */
function resolveLink(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** "ENOENT: no such file or directory, open 'x'" as Redis says it: "No such file or directory". */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const reason = /^[A-Z]+: ([^,]+)/.exec(text)?.[1] ?? text;
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}
