/** Every family of commands there is. */
import { commandFamily } from './command.ts';
import { configFamily } from './config.ts';
import { connectionFamily } from './connection.ts';
import { databaseFamily } from './database.ts';
import { debugFamily } from './debug.ts';
import { genericFamily } from './generic.ts';
import type { Family } from './row.ts';
import { serverFamily } from './server.ts';
import { stringFamily } from './string.ts';

export const FAMILIES: readonly Family[] = [
  connectionFamily,
  stringFamily,
  genericFamily,
  databaseFamily,
  serverFamily,
  configFamily,
  commandFamily,
  debugFamily,
];
