/**
 * MIGRATE: keys out of this server into another. The values are taken under their locks; what goes over the network, and
 * how long it takes, is for the server (`Migrator`): the client is parked meanwhile, and nobody else waits.
 */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { RdbOutput } from '../../persist/rdb/output.ts';
import { writePayload } from '../../persist/rdb/payload.ts';
import { expiryAtMs } from '../../store/record.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, keysAfter, type Parked, type Row, Route } from '../row.ts';

/** A key on its way: what was taken of it, and when it expires (0: never). */
export interface MigratedKey {
  readonly name: Buffer;
  payload: Buffer;
  whenMs: number;
}

/** What is to be sent where. */
export interface Migration {
  readonly host: string;
  readonly port: number;
  /** Logical databases, here and there. */
  readonly database: number;
  readonly targetDatabase: string;
  readonly timeoutMs: number;
  /** The keys stay here. */
  readonly isCopying: boolean;
  readonly isReplacing: boolean;
  /** User and password, password alone, or nothing. */
  readonly credentials: readonly Buffer[];
  readonly keys: readonly MigratedKey[];
}

/** Sends keys to another server and removes those that have arrived. */
export interface Migrator {
  start(call: Call, parked: Parked, migration: Migration): void;
}

const TIMEOUT_MS = 1000;
const KEYS_NEED_EMPTY =
  'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string';

export const migrateRow: Row = {
  name: 'MIGRATE',
  since: '2.6.0',
  arity: -6,
  flags: Flag.Write,
  acl: ['keyspace', 'dangerous'],
  keys: [
    key(3, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete),
    keysAfter('KEYS', -2, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete | KeyFlag.Incomplete, -1),
  ],
  route: Route.Each,
  tips: ['NONDETERMINISTIC_OUTPUT'],
  summary: 'Moves keys to another server.',
  run: migrateCommand,
};

interface Options {
  isCopying: boolean;
  isReplacing: boolean;
  credentials: Buffer[];
  /** Positions of the keys: [firstKey, firstKey + keyCount). */
  firstKey: number;
  keyCount: number;
}

const scratchOutput = new RdbOutput();
const scratchInteger = new Int64();

/** Null: the error has been replied. */
function parseOptions(call: Call): Options | null {
  const options: Options = {
    isCopying: false,
    isReplacing: false,
    credentials: [],
    firstKey: 3,
    keyCount: 1,
  };
  for (let i = 6; i < call.count; i++) {
    const more = call.count - 1 - i;
    if (isWord(call, i, 'COPY')) options.isCopying = true;
    else if (isWord(call, i, 'REPLACE')) options.isReplacing = true;
    else if (isWord(call, i, 'AUTH') && more >= 1) options.credentials = [call.copyArgument(++i)];
    else if (isAuth2(call, i) && more >= 2) {
      options.credentials = [call.copyArgument(i + 1), call.copyArgument(i + 2)];
      i += 2;
    } else if (isWord(call, i, 'KEYS')) {
      if (call.args[7] !== 0) return refuse(call, KEYS_NEED_EMPTY);
      options.firstKey = i + 1;
      options.keyCount = more;
      break;
    } else return refuse(call, SYNTAX_ERROR);
  }
  return options;
}

/** `isWord` has letters only. */
function isAuth2(call: Call, index: number): boolean {
  return call.args[index * 2 + 1] === 5 && call.text(index).toLowerCase() === 'auth2';
}

function refuse(call: Call, text: string): null {
  call.reply.error(text);
  return null;
}

function migrateCommand(call: Call): void {
  const { reply } = call;
  const options = parseOptions(call);
  if (options === null) return;
  if (!parseInt64Argument(call, 5, scratchInteger)) return reply.error(NOT_AN_INTEGER);
  const timeoutMs = int64ToNumber(scratchInteger);
  if (!parseInt64Argument(call, 4, scratchInteger)) return reply.error(NOT_AN_INTEGER);
  const keys = takeKeys(call, options);
  if (keys.length === 0) return reply.simple('NOKEY');
  const errors = reply.errorCount;
  const parked = call.park();
  // A script cannot wait; it has been told.
  if (reply.errorCount !== errors) return;
  call.server.migrator.start(call, parked, {
    host: call.text(1),
    port: Number.parseInt(call.text(2), 10),
    database: call.client.database,
    targetDatabase: String(int64ToNumber(scratchInteger)),
    timeoutMs: timeoutMs <= 0 ? TIMEOUT_MS : timeoutMs,
    isCopying: options.isCopying,
    isReplacing: options.isReplacing,
    credentials: options.credentials,
    keys,
  });
}

/** The keys that there are, each as it is at the moment its shard is locked. */
function takeKeys(call: Call, { firstKey, keyCount }: Options): MigratedKey[] {
  const { keyspace, source, args, database } = call;
  const keys: MigratedKey[] = [];
  for (let i = firstKey; i < firstKey + keyCount; i++) {
    keyspace.locate(call.key, source, args[i * 2]!, args[i * 2 + 1]!, database);
    const taken: MigratedKey = { name: call.copyArgument(i), payload: Buffer.alloc(0), whenMs: 0 };
    call.withShard(call.key.shard.index, () => {
      if (keyspace.read(call.key) !== 0) takeValue(call, taken);
    });
    if (taken.payload.length > 0) keys.push(taken);
  }
  return keys;
}

/** Takes the value of the key that was found, whose shard is locked. */
export function takeValue({ key: found }: Call, into: MigratedKey): void {
  const { buffer } = scratchOutput;
  writePayload(scratchOutput, found.shard, found.record);
  into.payload = Buffer.from(buffer.written());
  into.whenMs = expiryAtMs(found.shard, found.record);
  buffer.clear();
}
