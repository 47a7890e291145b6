/** A `user` directive of redis.conf. */
import { CommandSets } from '../../commands/acl/command-sets.ts';
import { hasSpaces } from '../../commands/acl/selector.ts';
import { mergeSelectorWords, User } from '../../commands/acl/user.ts';
import { FAMILIES } from '../../commands/families.ts';
import { Registry } from '../../commands/registry.ts';

/** What is wrong with a name and the rules that follow it, or null. */
export function checkUser([name = '', ...words]: readonly string[]): string | null {
  if (hasSpaces(name)) return 'Spaces not allowed in ACL usernames';
  const merged = mergeSelectorWords(words);
  if ('unmatched' in merged) return `Unmatched parenthesis in acl selector starting at '${merged.unmatched}'`;
  const sets = new CommandSets(new Registry(FAMILIES));
  return new User(name, false).applyAll(merged.rules, sets)?.reason ?? null;
}
