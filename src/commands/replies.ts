/** Every error text that more than one command uses, exactly as Redis words it. */
import { type Int64, int64ToBigInt, int64ToNumber } from '../base/int64.ts';
import type { RespWriter } from '../protocol/resp-writer.ts';

export const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';
export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';
export const NOT_A_FLOAT = 'ERR value is not a valid float';
export const SYNTAX_ERROR = 'ERR syntax error';
export const NO_SUCH_KEY = 'ERR no such key';
export const OUT_OF_RANGE = 'ERR index out of range';
export const OVERFLOW = 'ERR increment or decrement would overflow';
export const NAN_OR_INFINITY = 'ERR increment would produce NaN or Infinity';
export const STRING_TOO_LONG = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
export const SAME_OBJECT = 'ERR source and destination objects are the same';
export const DATABASE_OUT_OF_RANGE = 'ERR DB index is out of range';
export const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';
export const CLIENT_NAME_INVALID = 'ERR Client names cannot contain spaces, newlines or special characters.';
export const BUSY_SCRIPT =
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.';
export const BUSY_FUNCTION =
  'BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.';
export const TOO_MANY_WAITS = 'OOM no memory left for another client that waits';
export const TOO_MANY_WAIT_KEYS = 'ERR too many or too long keys to wait for at once';
export const NO_AUTH = 'NOAUTH Authentication required.';

/** `name` in lower case, as Redis prints it (`command|subcommand` for subcommands). */
export function wrongArityText(name: string): string {
  return `ERR wrong number of arguments for '${name}' command`;
}

export function wrongArity(reply: RespWriter, name: string): void {
  reply.error(wrongArityText(name));
}

/** The reply of `command HELP`: usage, the subcommands' lines (further ones indented), and HELP itself. */
export function helpText(reply: RespWriter, command: string, lines: readonly string[]): void {
  reply.array(lines.length + 3);
  reply.simple(`${command} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple('HELP');
  reply.simple('    Prints this help.');
}

export function invalidExpiry(reply: RespWriter, name: string): void {
  reply.error(`ERR invalid expire time in '${name}' command`);
}

export function replyInt64(reply: RespWriter, value: Int64): void {
  const number = int64ToNumber(value);
  if (Number.isSafeInteger(number)) reply.integer(number);
  else reply.bigInteger(int64ToBigInt(value));
}
