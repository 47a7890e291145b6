/** What ACL SETUSER makes of a user, or what is wrong with its words: for main, and for a worker ahead of main. */
import type { SetUserRequest } from '../../commands/acl/acl.ts';
import { hasSpaces } from '../../commands/acl/selector.ts';
import { mergeSelectorWords, User } from '../../commands/acl/user.ts';
import type { UserTable } from '../../commands/acl/user-table.ts';

/** The user as it is to be, which is not yet in the table; or the error. `hasAllChannels`: new ones have. */
export function changeUser(
  users: UserTable,
  { name, words }: SetUserRequest,
  hasAllChannels: boolean,
): User | string {
  if (hasSpaces(name)) return "ERR Usernames can't contain spaces or null characters";
  const merged = mergeSelectorWords(words);
  if ('unmatched' in merged)
    return `ERR Unmatched parenthesis in acl selector starting at '${utf8(merged.unmatched)}'.`;
  const user = users.get(name)?.clone() ?? new User(name, hasAllChannels);
  const error = user.applyAll(merged.rules, users.sets);
  if (error !== null) return `ERR Error in ACL SETUSER modifier '${utf8(error.rule)}': ${error.reason}`;
  return user;
}

/** Text that is kept as a character for each byte, as what it is. */
export function utf8(text: string): string {
  return Buffer.from(text, 'latin1').toString();
}
