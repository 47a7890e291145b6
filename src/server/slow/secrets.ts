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
  for (let index = 2; index < call.count; index++) {
    if (call.text(index).toUpperCase() === 'AUTH') return range(index + 1, Math.min(index + 3, call.count));
  }
  return [];
}
