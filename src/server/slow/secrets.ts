/** Which arguments of a request are secrets, and must be in no log. */
import type { Command } from '../../commands/registry.ts';
import type { Call } from '../../commands/row.ts';
import { isSecretSetting } from '../config/config-registry.ts';

/** Positions of the request's arguments that no log may show. */
export function secretPositions(call: Call, command: Command): number[] {
  switch (command.name) {
    case 'auth':
      return range(1, call.count);
    case 'hello':
      return helloSecrets(call);
    case 'config|set':
      return range(2, call.count).filter((index) => index % 2 === 1 && isSecretSetting(call.text(index - 1)));
    case 'acl|setuser':
    case 'acl|getuser':
    case 'acl|deluser':
      return range(2, call.count);
    case 'migrate':
      return range(6, call.count);
    default:
      return [];
  }
}

function range(from: number, end: number): number[] {
  return Array.from({ length: Math.max(end - from, 0) }, (_, index) => from + index);
}

function helloSecrets(call: Call): number[] {
  return authSecrets(call.count, 2, (index) => call.text(index));
}

/** Positions of what follows AUTH and AUTH2 among the options from `from` on. What is called "auth" is no option. */
export function authSecrets(count: number, from: number, text: (index: number) => string): number[] {
  const secrets: number[] = [];
  for (let index = from; index < count; index++) {
    const option = text(index).toUpperCase();
    if (option === 'SETNAME') index++;
    if (option !== 'AUTH' && option !== 'AUTH2') continue;
    secrets.push(...range(index + 1, Math.min(index + 3, count)));
    index += 2;
  }
  return secrets;
}
