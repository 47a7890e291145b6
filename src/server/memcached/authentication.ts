/** How a memcached client gives the password: as memcached -Y, by a `set` of any key whose data is `user password`. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type MemcachedCall, MemcachedEvent } from '../../commands/memcached/row.ts';
import { numberAt } from '../../commands/memcached/request.ts';
import { LineResult } from '../../protocol/memcache-reader.ts';

/** More than a user's name and a password take. */
const DATA_BYTES_MAX = 4096;
/** The only user there is. */
const USER = 'default';

/**
 * Answers the line just read, whose end is at `next`, for a client that has not authenticated. Returns the position
 * behind the request, or LineResult.Incomplete while the data block has not arrived.
 */
export function authenticate(call: MemcachedCall, password: string, next: number, end: number): number {
  const isSet = call.count >= 5 && call.text(0) === 'set';
  const dataBytes = isSet ? numberAt(call, 4) : NaN;
  if (!(dataBytes >= 0 && dataBytes <= DATA_BYTES_MAX)) {
    call.reply.text('CLIENT_ERROR unauthenticated');
    return next;
  }
  const dataEnd = next + dataBytes;
  if (dataEnd + 2 > end) return LineResult.Incomplete;
  call.reply.text(answer(call, password, call.source.u8.toString('utf8', next, dataEnd + 2)));
  return dataEnd + 2;
}

function answer(call: MemcachedCall, password: string, data: string): string {
  if (!data.endsWith('\r\n')) return 'CLIENT_ERROR bad command line termination';
  const [user, given, ...rest] = data.slice(0, -2).split(' ');
  if (user === undefined || given === undefined || rest.length > 0) {
    return 'CLIENT_ERROR bad authentication token format';
  }
  call.countEvent(MemcachedEvent.AuthCommands);
  if (user !== USER || !isSame(given, password)) {
    call.countEvent(MemcachedEvent.AuthErrors);
    return 'CLIENT_ERROR authentication failure';
  }
  call.client.authenticated = true;
  return 'STORED';
}

/** Takes the same time whatever differs. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
