/** The ACL file: a line `user <name> <rules>` for each user. Read as a whole or not at all; written beside and renamed. */
import { readFileSync } from 'node:fs';
import type { CommandSets } from '../../commands/acl/command-sets.ts';
import { hasSpaces, UNKNOWN_COMMAND } from '../../commands/acl/selector.ts';
import { mergeSelectorWords, User } from '../../commands/acl/user.ts';
import { fileErrorText, replaceFile } from '../system/replace-file.ts';

export type FileOutcome = { readonly users: readonly User[] } | { readonly error: string };

const UNCHANGED = 'WARNING: ACL errors detected, no change to the previously active ACL rules was performed';

/** The users of the file, or all that is wrong with it. */
export function readAclFile(path: string, sets: CommandSets, allChannels: boolean): FileOutcome {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    return { error: `Error loading ACLs, opening file '${path}': ${fileErrorText(error)}` };
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

/** Replaces the file by one with `lines` (system/replace-file.ts). Throws when that fails. */
export function writeAclFile(path: string, lines: readonly string[]): void {
  replaceFile(path, lines.map((line) => `${line}\n`).join(''));
}
