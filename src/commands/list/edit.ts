/** Changing lists anywhere. */
import { listLength } from '../../store/list/list.ts';
import { findElement, insertElement, removeEqual, removeRange, setElement } from '../../store/list/edit.ts';
import { ValueType } from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { isWord } from '../argument.ts';
import { NO_SUCH_KEY, OUT_OF_MEMORY, OUT_OF_RANGE, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, WRONG } from '../typed-value.ts';
import { integerArgument } from './arguments.ts';

export const editRows: readonly Row[] = [
  {
    name: 'LINSERT',
    since: '2.2.0',
    arity: 5,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    summary: 'Adds an element to a list before or after another.',
    run: linsertCommand,
  },
  {
    name: 'LSET',
    since: '1.0.0',
    arity: 4,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    summary: 'Replaces the element of a list at an index.',
    run: lsetCommand,
  },
  {
    name: 'LREM',
    since: '1.0.0',
    arity: 4,
    flags: Flag.Write,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    summary: 'Removes the elements of a list that are equal to one, all or some from an end.',
    run: lremCommand,
  },
  {
    name: 'LTRIM',
    since: '1.0.0',
    arity: 4,
    flags: Flag.Write,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    summary: 'Removes the elements of a list that are not between two indexes.',
    run: ltrimCommand,
  },
];

function linsertCommand(call: Call): void {
  const { reply, key, keyspace, source, args } = call;
  const isAfter = isWord(call, 2, 'AFTER');
  if (!isAfter && !isWord(call, 2, 'BEFORE')) return reply.error(SYNTAX_ERROR);
  const record = findTyped(call, key, ValueType.List);
  if (record === WRONG) return;
  if (record === 0) return reply.integer(0);
  const pivot = findElement(key.shard, record, source, args[6]!, args[7]!);
  if (pivot < 0) return reply.integer(-1);
  const index = isAfter ? pivot + 1 : pivot;
  const status = insertElement(keyspace, key, index, source, args[8]!, args[9]!);
  if (status !== Status.Ok) return reply.error(OUT_OF_MEMORY);
  keyspace.touched(key);
  reply.integer(listLength(key.shard, key.record));
}

function lsetCommand(call: Call): void {
  const { reply, key, keyspace, source, args } = call;
  const record = findTyped(call, key, ValueType.List);
  if (record === WRONG) return;
  if (record === 0) return reply.error(NO_SUCH_KEY);
  const wanted = integerArgument(call, 2);
  if (wanted !== wanted) return;
  const length = listLength(key.shard, record);
  const index = wanted < 0 ? wanted + length : wanted;
  if (index < 0 || index >= length) return reply.error(OUT_OF_RANGE);
  if (setElement(keyspace, key, index, source, args[6]!, args[7]!) !== Status.Ok) {
    return reply.error(OUT_OF_MEMORY);
  }
  keyspace.touched(key);
  reply.ok();
}

function lremCommand(call: Call): void {
  const { reply, key, keyspace, source, args } = call;
  const count = integerArgument(call, 2);
  if (count !== count) return;
  const record = findTyped(call, key, ValueType.List);
  if (record === WRONG) return;
  if (record === 0) return reply.integer(0);
  const countMax = Math.abs(count) || Infinity;
  const removed = removeEqual(keyspace, key, source, args[6]!, args[7]!, countMax, count < 0);
  if (removed > 0 && key.record !== 0) keyspace.touched(key);
  reply.integer(removed);
}

function ltrimCommand(call: Call): void {
  const { reply, key, keyspace } = call;
  let start = integerArgument(call, 2);
  if (start !== start) return;
  let end = integerArgument(call, 3);
  if (end !== end) return;
  const record = findTyped(call, key, ValueType.List);
  if (record === WRONG) return;
  if (record === 0) return reply.ok();
  const length = listLength(key.shard, record);
  if (start < 0) start = Math.max(start + length, 0);
  if (end < 0) end += length;
  end = Math.min(end, length - 1);
  if (start > end) keyspace.remove(key);
  else {
    removeRange(keyspace, key, end + 1, length - end - 1);
    removeRange(keyspace, key, 0, start);
    keyspace.touched(key);
  }
  reply.ok();
}
