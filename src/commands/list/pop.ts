/** Taking elements from the ends of lists. */
import { pointAtEnd, removeEnd } from '../../store/list.ts';
import type { Key } from '../../store/key.ts';
import { ValueType } from '../../store/record.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import { wrongArity } from '../replies.ts';
import { type Call, Flag, type Handler, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, WRONG } from '../typed-value.ts';

export const popRows: readonly Row[] = [
  popRow('LPOP', 'Removes elements from the front of a list and returns them.', lpopCommand),
  popRow('RPOP', 'Removes elements from the end of a list and returns them.', rpopCommand),
];

function popRow(name: string, summary: string, run: Handler): Row {
  return {
    name,
    since: '1.0.0',
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    summary,
    run,
  };
}

const scratchText = new EntryText();

function lpopCommand(call: Call): void {
  pop(call, true);
}

function rpopCommand(call: Call): void {
  pop(call, false);
}

/** Hot. */
function pop(call: Call, atFront: boolean): void {
  if (call.count > 2) return wrongArity(call.reply, call.row.name.toLowerCase());
  const record = findTyped(call, call.key, ValueType.List);
  if (record === WRONG) return;
  if (record === 0) return call.reply.nil();
  popOne(call, call.key, atFront);
}

/** Replies with the element at an end of the list found under `key`, and removes it. */
export function popOne(call: Call, key: Key, atFront: boolean): void {
  const { keyspace, reply } = call;
  pointAtEnd(key.shard, key.record, atFront, scratchText);
  reply.bulk(scratchText.bytes, scratchText.at, scratchText.byteCount);
  if (removeEnd(keyspace, key, atFront) > 0) keyspace.touched(key);
}
