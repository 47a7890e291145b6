/** Every family of commands there is. */
import { connectionFamily } from './connection.ts';
import type { Family } from './row.ts';
import { stringFamily } from './string.ts';

export const FAMILIES: readonly Family[] = [connectionFamily, stringFamily];
