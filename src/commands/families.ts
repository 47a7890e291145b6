/** Every family of commands there is. */
import { aclFamily } from './acl/acl.ts';
import { bitmapFamily } from './bitmap/bitmap.ts';
import { commandLogFamily } from './server/commandlog.ts';
import { commandFamily } from './server/command.ts';
import { configFamily } from './server/config.ts';
import { connectionFamily } from './connection/connection.ts';
import { databaseFamily } from './server/database.ts';
import { debugFamily } from './server/debug.ts';
import { genericFamily } from './generic/generic.ts';
import { geoFamily } from './geo/geo.ts';
import { hashFamily } from './hash/hash.ts';
import { latencyFamily } from './server/latency.ts';
import { hyperLogLogFamily } from './hyperloglog/hyperloglog.ts';
import { listFamily } from './list/list.ts';
import { memoryFamily } from './server/memory.ts';
import { monitorFamily } from './server/monitor.ts';
import { persistenceFamily } from './server/persistence.ts';
import { pubsubFamily } from './pubsub/pubsub.ts';
import type { Family } from './row.ts';
import { serverFamily } from './server/server.ts';
import { scriptingFamily } from './scripting/scripting.ts';
import { setFamily } from './set/set.ts';
import { slowlogFamily } from './server/slowlog.ts';
import { sortedSetFamily } from './sorted-set/sorted-set.ts';
import { streamFamily } from './stream/stream.ts';
import { stringFamily } from './string/string.ts';
import { transactionFamily } from './transaction.ts';

export const FAMILIES: readonly Family[] = [
  connectionFamily,
  stringFamily,
  transactionFamily,
  listFamily,
  hashFamily,
  setFamily,
  sortedSetFamily,
  bitmapFamily,
  hyperLogLogFamily,
  geoFamily,
  streamFamily,
  genericFamily,
  pubsubFamily,
  databaseFamily,
  serverFamily,
  persistenceFamily,
  monitorFamily,
  configFamily,
  slowlogFamily,
  commandLogFamily,
  latencyFamily,
  memoryFamily,
  aclFamily,
  commandFamily,
  debugFamily,
  scriptingFamily,
];
