/**
 * Access rules on the memcached port. Its clients are the default user, or whoever they authenticate as. Rules know
 * Redis' commands only, so each verb is allowed where the command that does the same is.
 */
import { Denial, type Permissions } from '../../commands/acl/permissions.ts';
import type { ServerState } from '../server-state.ts';
import { type MemcachedCall, MemcachedRoute, type MemcachedRow } from '../../commands/memcached/row.ts';

const ALIKE: Readonly<Record<string, string>> = {
  get: 'get',
  gets: 'get',
  gat: 'getex',
  gats: 'getex',
  set: 'set',
  add: 'setnx',
  replace: 'set',
  cas: 'set',
  append: 'append',
  prepend: 'append',
  delete: 'del',
  incr: 'incrby',
  decr: 'decrby',
  touch: 'expire',
  // What it does depends on its flags, and it may both read and write.
  mg: 'getex',
  ms: 'set',
  md: 'del',
  ma: 'incrby',
  me: 'get',
  flush_all: 'flushall',
  stats: 'info',
  shutdown: 'shutdown',
};
const DENIED = 'CLIENT_ERROR access denied';
const LOADING = 'SERVER_ERROR loading the data';
const CANNOT_SAVE = 'SERVER_ERROR writes are refused while the data cannot be saved';

/** Whether the request, whose line has been read, is allowed. If not, it has its reply and is in the log. */
export function mayRun(call: MemcachedCall, row: MemcachedRow, permissions: Permissions): boolean {
  const name = ALIKE[row.verb];
  const command = name === undefined ? undefined : call.server.registry.byName.get(name);
  if (command === undefined) return true;
  const { request } = call;
  const { source, args } = call;
  let denial: Denial | 0 = 0;
  let object = row.verb;
  if (row.route === MemcachedRoute.Here) denial = permissions.allows(command) ? 0 : Denial.Command;
  else if (row.route === MemcachedRoute.EachKey) {
    for (let i = request.firstKey; i < call.count && denial === 0; i++) {
      denial = permissions.checkKey(command, source.u8, args[i * 2]!, args[i * 2 + 1]!);
      if (denial === Denial.Key) object = call.text(i);
    }
  } else {
    const { u8 } = request.keySource;
    const end = request.keyAt + request.keyBytes;
    denial = permissions.checkKey(command, u8, request.keyAt, request.keyBytes);
    if (denial === Denial.Key) object = u8.toString('latin1', request.keyAt, end);
  }
  if (denial === 0) return true;
  call.server.accessLog.add(call.client, denial, object, call.client.account);
  return refuse(call, row, DENIED);
}

/** Whether the state of the server lets the request run. If not, it has its reply. No lock is held. */
export function mayRunNow(call: MemcachedCall, row: MemcachedRow, state: ServerState | null): boolean {
  if (state === null) return true;
  state.letKeeperCatchUp();
  if (state.writeRefusal !== '' && row.writes) return refuse(call, row, CANNOT_SAVE);
  const needsData = row.writes || row.route !== MemcachedRoute.Here;
  return state.isLoading && needsData ? refuse(call, row, LOADING) : true;
}

function refuse(call: MemcachedCall, row: MemcachedRow, text: string): false {
  call.reply.text(text);
  if (row.route === MemcachedRoute.Store) call.request.swallowBytes = call.request.dataBytes + 2;
  return false;
}
