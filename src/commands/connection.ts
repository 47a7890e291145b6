/** Commands about the connection itself. */
import { type Call, type Family, Flag } from './row.ts';
import { wrongArity } from './replies.ts';

export const connectionFamily: Family = {
  group: 'connection',
  rows: [
    { name: 'PING', since: '1.0.0', arity: -1, flags: Flag.Fast, acl: ['connection'], run: pingCommand },
  ],
};

const PONG = Buffer.from('+PONG\r\n');

function pingCommand(call: Call): void {
  if (call.count > 2) return wrongArity(call.reply, 'ping');
  if (call.count === 1) return call.reply.raw(PONG);
  call.reply.bulk(call.source, call.args[2]!, call.args[3]!);
}
