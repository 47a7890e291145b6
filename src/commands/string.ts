/** Strings. */
import { KEEP_EXPIRY } from '../store/keyspace.ts';
import { recordType, valueAt, valueBytes, ValueType } from '../store/record.ts';
import { Status } from '../store/status.ts';
import { OUT_OF_MEMORY, WRONG_TYPE } from './replies.ts';
import { type Call, type Family, Flag, key, KeyFlag } from './row.ts';

export const stringFamily: Family = {
  group: 'string',
  rows: [
    {
      name: 'GET',
      since: '1.0.0',
      arity: 2,
      flags: Flag.ReadOnly | Flag.Fast,
      acl: ['string'],
      keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
      run: getCommand,
    },
    {
      name: 'SET',
      since: '1.0.0',
      arity: -3,
      flags: Flag.Write | Flag.DenyOom,
      acl: ['string'],
      keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update | KeyFlag.VariableFlags)],
      run: setCommand,
    },
  ],
};

function getCommand(call: Call): void {
  const shard = call.key.shard;
  const record = call.keyspace.read(call.key);
  if (record === 0) return call.reply.nil();
  if (recordType(shard, record) !== ValueType.String) return call.reply.error(WRONG_TYPE);
  call.reply.bulk(shard.bytes, valueAt(shard, record), valueBytes(shard, record));
}

function setCommand(call: Call): void {
  const args = call.args;
  const status = call.keyspace.putString(
    call.key,
    call.source,
    args[4]!,
    args[5]!,
    call.count > 3 ? KEEP_EXPIRY : 0,
  );
  if (status === Status.Ok) call.reply.ok();
  else call.reply.error(OUT_OF_MEMORY);
}
