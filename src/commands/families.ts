/** Every family of commands there is. */
import { commandFamily } from './server/command.ts';
import { configFamily } from './server/config.ts';
import { connectionFamily } from './connection/connection.ts';
import { databaseFamily } from './server/database.ts';
import { debugFamily } from './server/debug.ts';
import { genericFamily } from './generic/generic.ts';
import { hashFamily } from './hash/hash.ts';
import { listFamily } from './list/list.ts';
import type { Family } from './row.ts';
import { serverFamily } from './server/server.ts';
import { setFamily } from './set/set.ts';
import { sortedSetFamily } from './sorted-set/sorted-set.ts';
import { streamFamily } from './stream/stream.ts';
import { stringFamily } from './string/string.ts';

export const FAMILIES: readonly Family[] = [
  connectionFamily,
  stringFamily,
  listFamily,
  hashFamily,
  setFamily,
  sortedSetFamily,
  streamFamily,
  genericFamily,
  databaseFamily,
  serverFamily,
  configFamily,
  commandFamily,
  debugFamily,
];
