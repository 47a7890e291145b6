/** Adding elements at the ends of lists. */
import { listLength, pushElement, pushElements } from '../../store/list/list.ts';
import { ValueType } from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { OUT_OF_MEMORY } from '../replies.ts';
import { type Call, Flag, type Handler, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, WRONG } from '../typed-value.ts';

export const pushRows: readonly Row[] = [
  pushRow('LPUSH', '1.0.0', 'Adds elements at the front of a list, which is created for them.', lpushCommand),
  pushRow('RPUSH', '1.0.0', 'Adds elements at the end of a list, which is created for them.', rpushCommand),
  pushRow('LPUSHX', '2.2.0', 'Adds elements at the front of a list, if there is one.', lpushxCommand),
  pushRow('RPUSHX', '2.2.0', 'Adds elements at the end of a list, if there is one.', rpushxCommand),
];

function pushRow(name: string, since: string, summary: string, run: Handler): Row {
  return {
    name,
    since,
    arity: -3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    summary,
    run,
  };
}

function lpushCommand(call: Call): void {
  push(call, true, false);
}

function rpushCommand(call: Call): void {
  push(call, false, false);
}

function lpushxCommand(call: Call): void {
  push(call, true, true);
}

function rpushxCommand(call: Call): void {
  push(call, false, true);
}

/** Hot. */
function push(call: Call, atFront: boolean, mustExist: boolean): void {
  const { key, keyspace, reply, source, args } = call;
  const record = findTyped(call, key, ValueType.List);
  if (record === WRONG) return;
  if (record === 0 && mustExist) return reply.integer(0);
  const status =
    call.count === 3
      ? pushElement(keyspace, key, source, args[4]!, args[5]!, atFront)
      : pushElements(keyspace, key, source, args, 2, call.count, atFront);
  if (status !== Status.Ok) return reply.error(OUT_OF_MEMORY);
  keyspace.touched(key);
  reply.integer(listLength(key.shard, key.record));
}
