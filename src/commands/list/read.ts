/** Reading lists. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { listLength, ListWalk } from '../../store/list.ts';
import { ValueType } from '../../store/record.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import { parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { readTyped, WRONG } from '../typed-value.ts';

export const readRows: readonly Row[] = [
  {
    name: 'LLEN',
    since: '1.0.0',
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadOnly)],
    summary: 'Returns the length of a list.',
    run: llenCommand,
  },
  {
    name: 'LRANGE',
    since: '1.0.0',
    arity: 4,
    flags: Flag.ReadOnly,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the elements of a list between two indexes.',
    run: lrangeCommand,
  },
];

const scratchStart = new Int64();
const scratchEnd = new Int64();
const scratchText = new EntryText();
let scratchWalk: ListWalk | null = null;

function llenCommand(call: Call): void {
  const record = readTyped(call, call.key, ValueType.List);
  if (record === WRONG) return;
  call.reply.integer(record === 0 ? 0 : listLength(call.key.shard, record));
}

function lrangeCommand(call: Call): void {
  const reply = call.reply;
  if (!parseInt64Argument(call, 2, scratchStart) || !parseInt64Argument(call, 3, scratchEnd)) {
    return reply.error(NOT_AN_INTEGER);
  }
  const record = readTyped(call, call.key, ValueType.List);
  if (record === WRONG) return;
  const length = record === 0 ? 0 : listLength(call.key.shard, record);
  let start = int64ToNumber(scratchStart);
  let end = int64ToNumber(scratchEnd);
  if (start < 0) start = Math.max(start + length, 0);
  if (end < 0) end += length;
  end = Math.min(end, length - 1);
  if (start > end) return reply.array(0);
  replyElements(call, record, start, end - start + 1, false);
}

/** Replies with `count` elements from `index` on, as an array. Hot. */
export function replyElements(
  call: Call,
  record: number,
  index: number,
  count: number,
  isBackward: boolean,
): void {
  const { reply, key } = call;
  const walk = (scratchWalk ??= new ListWalk(key.shard));
  const text = scratchText;
  walk.start(key.shard, record, index, isBackward);
  reply.array(count);
  for (let left = count; left > 0; left--) {
    walk.next();
    text.point(walk.bytes, walk.entry);
    reply.bulk(text.bytes, text.at, text.byteCount);
  }
}
