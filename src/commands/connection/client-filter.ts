/** Which clients CLIENT LIST and CLIENT KILL mean: the options of Redis and of Valkey, all of which must fit a client. */
import { parseLong } from './client-arguments.ts';
import { SYNTAX_ERROR } from '../replies.ts';
import type { Call } from '../row.ts';

/** What of a client is compared. */
export type ClientField =
  | 'id'
  | 'type'
  | 'address'
  | 'localAddress'
  | 'ip'
  | 'user'
  | 'name'
  | 'libraryName'
  | 'libraryVersion'
  | 'database'
  /** Letters of which the client must have all. */
  | 'flags'
  /** Seconds that it must have been connected, or idle, at least. */
  | 'age'
  | 'idle';

/** One condition: the field is one of `wanted`, or none of them. */
export interface ClientCondition {
  readonly field: ClientField;
  readonly wanted: readonly string[];
  readonly isNegated: boolean;
}

export interface ClientFilter {
  readonly conditions: readonly ClientCondition[];
  /** Who asks, and whether it is left out. */
  readonly askerId: number;
  readonly skipAsker: boolean;
}

const OPTIONS: ReadonlyMap<string, ClientField> = new Map([
  ['ID', 'id'],
  ['TYPE', 'type'],
  ['ADDR', 'address'],
  ['LADDR', 'localAddress'],
  ['IP', 'ip'],
  ['USER', 'user'],
  ['NAME', 'name'],
  ['LIB-NAME', 'libraryName'],
  ['LIB-VER', 'libraryVersion'],
  ['DB', 'database'],
  ['FLAGS', 'flags'],
  ['MAXAGE', 'age'],
  ['IDLE', 'idle'],
]);
/** Time has no opposite among the options. */
const NEVER_NEGATED: readonly ClientField[] = ['age', 'idle'];

/** Some error texts differ between the two commands. */
export interface FilterErrors {
  readonly invalidId: string;
  /** Whether an id is refused besides those that are no integers. */
  readonly refusesId: (id: bigint) => boolean;
  /** What follows an id and is no option is a bad id, not a bad option. */
  readonly takesAnyAsId: boolean;
}

/** Reads the options from argument `from` to the end. Returns the error when they are none. */
export function readClientFilter(
  call: Call,
  from: number,
  skipAsker: boolean,
  errors: FilterErrors,
): ClientFilter | string {
  const conditions: ClientCondition[] = [];
  let skips = skipAsker;
  for (let index = from; index < call.count;) {
    const word = call.text(index).toUpperCase();
    if (index + 1 >= call.count) return SYNTAX_ERROR;
    const value = call.text(index + 1);
    index += 2;
    if (word === 'SKIPME') {
      const choice = value.toUpperCase();
      if (choice !== 'YES' && choice !== 'NO') return SYNTAX_ERROR;
      skips = choice === 'YES';
      continue;
    }
    const isNegated = word.startsWith('NOT-');
    const field = OPTIONS.get(isNegated ? word.slice(4) : word);
    if (field === undefined || (isNegated && NEVER_NEGATED.includes(field))) return SYNTAX_ERROR;
    const values = [value];
    // Several ids may follow, up to the next option.
    while (field === 'id' && index < call.count && isFurtherId(call.text(index), errors)) {
      values.push(call.text(index++));
    }
    const wanted = readValues(call, field, values, errors);
    if (typeof wanted === 'string') return wanted;
    conditions.push({ field, wanted, isNegated });
  }
  return { conditions, askerId: call.client.id, skipAsker: skips };
}

function isFurtherId(word: string, errors: FilterErrors): boolean {
  return errors.takesAnyAsId ? !isOption(word) : parseLong(word) !== null;
}

function isOption(word: string): boolean {
  const upper = word.toUpperCase();
  return upper === 'SKIPME' || OPTIONS.has(upper.startsWith('NOT-') ? upper.slice(4) : upper);
}

/** The values in the form in which clients' are compared with them, or the error. */
function readValues(
  call: Call,
  field: ClientField,
  values: readonly string[],
  errors: FilterErrors,
): readonly string[] | string {
  const [value = ''] = values;
  switch (field) {
    case 'id': {
      const ids = values.map(parseLong);
      const isInvalid = ids.some((id) => id === null || errors.refusesId(id));
      return isInvalid ? errors.invalidId : ids.map(String);
    }
    case 'type': {
      const type = value.toLowerCase() === 'slave' ? 'replica' : value.toLowerCase();
      const isKnown = ['normal', 'master', 'replica', 'pubsub'].includes(type);
      return isKnown ? [type] : `ERR Unknown client type '${value}'`;
    }
    case 'user':
      return call.server.users.get(Buffer.from(value).toString('latin1')) === undefined
        ? `ERR No such user '${value}'`
        : [value];
    case 'age':
      return readSeconds('maxage', value);
    case 'idle':
      return readSeconds('idletime', value);
    case 'database': {
      const database = parseLong(value);
      return database === null || database < 0n
        ? 'ERR DB number should be between 0 and 15'
        : [String(database)];
    }
    default:
      return values;
  }
}

function readSeconds(name: string, value: string): readonly string[] | string {
  const seconds = parseLong(value);
  if (seconds === null) return `ERR ${name} is not an integer or out of range`;
  return seconds < 1n ? `ERR ${name} should be greater than 0` : [String(seconds)];
}
