/** How a memcached client gives the password: as memcached -Y, by a `set` of any key whose data is `user password`. */
import { Denial } from '../../commands/acl/permissions.ts';
import { type MemcachedCall, MemcachedEvent } from '../../commands/memcached/row.ts';
import { numberAt } from '../../commands/memcached/request.ts';
import { LineResult } from '../../protocol/memcache-reader.ts';

/** More than a user's name and a password take. */
const DATA_BYTES_MAX = 4096;

/**
 * Answers the line just read, whose end is at `next`, for a client that has not authenticated. Returns the position
 * behind the request, or LineResult.Incomplete while the data block has not arrived.
 */
export function authenticate(call: MemcachedCall, next: number, end: number): number {
  const isSet = call.count >= 5 && call.text(0) === 'set';
  const dataBytes = isSet ? numberAt(call, 4) : NaN;
  if (!(dataBytes >= 0 && dataBytes <= DATA_BYTES_MAX)) {
    call.reply.text('CLIENT_ERROR unauthenticated');
    return next;
  }
  const dataEnd = next + dataBytes;
  if (dataEnd + 2 > end) return LineResult.Incomplete;
  call.reply.text(answer(call, call.source.u8.toString('latin1', next, dataEnd + 2)));
  return dataEnd + 2;
}

function answer(call: MemcachedCall, data: string): string {
  if (!data.endsWith('\r\n')) return 'CLIENT_ERROR bad command line termination';
  const [name, given, ...rest] = data.slice(0, -2).split(' ');
  if (name === undefined || given === undefined || rest.length > 0) {
    return 'CLIENT_ERROR bad authentication token format';
  }
  call.countEvent(MemcachedEvent.AuthCommands);
  const { accessLog, users } = call.server;
  const user = users.authenticate(name, Buffer.from(given, 'latin1'));
  if (user === null) {
    accessLog.add(call.client, Denial.Auth, 'set', name);
    call.countEvent(MemcachedEvent.AuthErrors);
    return 'CLIENT_ERROR authentication failure';
  }
  call.client.logIn(user);
  return 'STORED';
}
