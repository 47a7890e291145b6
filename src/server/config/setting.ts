/** One row of the registry: a name that is at once a command-line flag, a redis.conf directive, and a CONFIG name. */

import type { MachineLimits } from '../system/machine-limits.ts';
import type { Kind, ValueType } from './value-types.ts';

/** The headings of --help, in their order. */
export const GROUPS = [
  'Network',
  'TLS',
  'Security',
  'Memory',
  'Data',
  'Persistence',
  'Monitoring',
  'General',
] as const;
export type Group = (typeof GROUPS)[number];

export interface Traits {
  /** The name it had before Redis renamed it; as good as the name everywhere. */
  readonly alias?: string;
  /** Read once at start: CONFIG SET refuses it. */
  readonly isFixed?: true;
  /** CONFIG SET also needs enable-protected-configs. */
  readonly isProtected?: true;
  /** Not to be seen in logs. */
  readonly isSecret?: true;
}

export interface Setting<K extends Kind = Kind> extends Traits {
  readonly type: ValueType<K>;
  /** The text that CONFIG GET prints when nothing was configured. */
  readonly initial: string | ((limits: MachineLimits) => string);
  /** For --help; absent where this build takes and reports the directive but does not act on it. */
  readonly help?: { readonly group: Group; readonly description: string };
}

/** A setting that this build acts on. */
export function live<K extends Kind>(
  group: Group,
  type: ValueType<K>,
  initial: Setting['initial'],
  description: string,
  traits: Traits = {},
): Setting<K> {
  return { type, initial, help: { group, description }, ...traits };
}

/** A directive of Redis that loads, validates and reports as there, but has no effect in this build. */
export function accepted<K extends Kind>(
  type: ValueType<K>,
  initial: Setting['initial'],
  traits: Traits = {},
): Setting<K> {
  return { type, initial, ...traits };
}
