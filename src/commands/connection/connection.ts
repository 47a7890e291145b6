/** Commands about the connection itself, CLIENT excepted (client.ts). */
import { Denial } from '../acl/permissions.ts';
import { DEFAULT_USER } from '../acl/user-table.ts';
import { clientRow } from './client.ts';
import { isPrintableWord, parseLong } from './client-arguments.ts';
import {
  CLIENT_NAME_INVALID,
  DATABASE_OUT_OF_RANGE,
  NOT_AN_INTEGER,
  SYNTAX_ERROR,
  WRONG_PASSWORD,
  wrongArity,
} from '../replies.ts';
import { type Call, type Family, Flag, Gate } from '../row.ts';

const INT_MAX = 2n ** 31n - 1n;
const OPEN_TO_ALL = Flag.NoScript | Flag.Loading | Flag.Stale | Flag.Fast | Flag.NoAuth | Flag.AllowBusy;

export const connectionFamily: Family = {
  group: 'connection',
  rows: [
    {
      name: 'PING',
      since: '1.0.0',
      arity: -1,
      flags: Flag.Fast | Flag.Sentinel,
      acl: ['connection'],
      tips: ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:ALL_SUCCEEDED'],
      summary: 'Answers PONG, or what it was given.',
      run: pingCommand,
    },
    {
      name: 'ECHO',
      since: '1.0.0',
      arity: 2,
      flags: Flag.Loading | Flag.Stale | Flag.Fast,
      acl: ['connection'],
      summary: 'Answers what it was given.',
      run: echoCommand,
    },
    {
      name: 'AUTH',
      since: '1.0.0',
      arity: -2,
      flags: OPEN_TO_ALL | Flag.Sentinel,
      acl: ['connection'],
      summary: 'Authenticates the connection.',
      run: authCommand,
    },
    {
      name: 'HELLO',
      since: '6.0.0',
      arity: -1,
      flags: OPEN_TO_ALL | Flag.Sentinel,
      acl: ['connection'],
      summary: 'Chooses the protocol version, and tells about the server.',
      run: helloCommand,
    },
    {
      name: 'QUIT',
      since: '1.0.0',
      arity: -1,
      flags: OPEN_TO_ALL,
      acl: ['connection'],
      deprecated: true,
      summary: 'Closes the connection once its replies are sent.',
      run: quitCommand,
    },
    {
      name: 'RESET',
      since: '6.2.0',
      arity: 1,
      flags: OPEN_TO_ALL,
      acl: ['connection'],
      summary: 'Makes the connection as it was when it was new.',
      run: resetCommand,
    },
    {
      name: 'SELECT',
      since: '1.0.0',
      arity: 2,
      flags: Flag.Loading | Flag.Stale | Flag.Fast,
      acl: ['connection'],
      summary: 'Chooses the database that later commands work on.',
      run: selectCommand,
    },
    clientRow,
  ],
};

const PONG = Buffer.from('+PONG\r\n');

function pingCommand(call: Call): void {
  if (call.count > 2) return wrongArity(call.reply, 'ping');
  if ((call.client.gates & Gate.Subscribed) !== 0 && call.client.version === 2) return pingSubscribed(call);
  if (call.count === 1) return call.reply.raw(PONG);
  call.reply.bulk(call.source, call.args[2]!, call.args[3]!);
}

/** Redis: it must look like a message. */
function pingSubscribed({ reply, source, args, count }: Call): void {
  reply.array(2);
  reply.bulkText('pong');
  if (count === 1) reply.bulkText('');
  else reply.bulk(source, args[2]!, args[3]!);
}

function echoCommand(call: Call): void {
  call.reply.bulk(call.source, call.args[2]!, call.args[3]!);
}

function authCommand(call: Call): void {
  if (call.count > 3) return call.reply.error(SYNTAX_ERROR);
  if (call.count === 2 && call.server.users.default.hasNoPassword) {
    return call.reply.error(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your ' +
        'configuration is correct?',
    );
  }
  const user = call.count === 3 ? call.copyArgument(1).toString('latin1') : DEFAULT_USER;
  if (authenticate(call, user, call.copyArgument(call.count - 1))) call.reply.ok();
}

/** Makes the client an authenticated one when the password is right; writes the error when it is not. */
function authenticate(call: Call, name: string, password: Uint8Array): boolean {
  const { client, server } = call;
  const user = server.users.authenticate(name, password);
  if (user === null) {
    server.accessLog.add(client, Denial.Auth, call.copyArgument(0).toString('latin1'), name);
    call.reply.error(WRONG_PASSWORD);
    return false;
  }
  client.logIn(user);
  return true;
}

function helloCommand(call: Call): void {
  const { client, reply } = call;
  let version: 2 | 3 = client.version;
  if (call.count > 1) {
    const wanted = parseLong(call.text(1));
    if (wanted === null) return reply.error('ERR Protocol version is not an integer or out of range');
    if (wanted !== 2n && wanted !== 3n) return reply.error('NOPROTO unsupported protocol version');
    version = wanted === 2n ? 2 : 3;
  }
  let userIndex = 0;
  let name: string | null = null;
  for (let index = 2; index < call.count; index++) {
    const option = call.text(index);
    const restCount = call.count - 1 - index;
    if (option.toUpperCase() === 'AUTH' && restCount >= 2) {
      userIndex = index + 1;
      index += 2;
    } else if (option.toUpperCase() === 'SETNAME' && restCount >= 1) {
      name = call.text(++index);
      if (!isPrintableWord(name)) return reply.error(CLIENT_NAME_INVALID);
    } else return reply.error(`ERR Syntax error in HELLO option '${option}'`);
  }
  if (
    userIndex > 0 &&
    !authenticate(call, call.copyArgument(userIndex).toString('latin1'), call.copyArgument(userIndex + 1))
  )
    return;
  if (!client.authenticated) {
    return reply.error(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> ' +
        '<pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    );
  }
  if (name !== null) client.name = name;
  client.version = version;
  reply.version = version;
  describeServer(call);
}

function describeServer(call: Call): void {
  const { client, reply } = call;
  reply.map(7);
  const texts = { server: 'redis', version: call.server.apiVersion };
  for (const [field, text] of Object.entries(texts)) {
    reply.bulkText(field);
    reply.bulkText(text);
  }
  reply.bulkText('proto');
  reply.integer(client.version);
  reply.bulkText('id');
  reply.integer(client.id);
  reply.bulkText('mode');
  reply.bulkText('standalone');
  reply.bulkText('role');
  reply.bulkText('master');
  reply.bulkText('modules');
  reply.array(0);
}

function quitCommand(call: Call): void {
  call.reply.ok();
  call.client.closeAfterReply();
}

function resetCommand(call: Call): void {
  const { client, reply } = call;
  call.server.transactions.discard(client);
  call.server.monitoring.remove(client);
  call.server.tracking.disable(client);
  call.server.pubsub.unsubscribeAll(client);
  client.database = 0;
  client.version = 2;
  client.name = '';
  // Redis: a skip that is meant for this very command stands.
  if (client.replyMode !== 'skip') client.replyMode = 'on';
  client.noEvict = false;
  client.noTouch = false;
  client.logOut();
  reply.simple('RESET');
}

function selectCommand(call: Call): void {
  const database = parseLong(call.text(1));
  if (database === null) return call.reply.error(NOT_AN_INTEGER);
  if (database > INT_MAX || database < -INT_MAX - 1n) {
    return call.reply.error('ERR value is out of range, value must between -2147483648 and 2147483647');
  }
  if (database < 0n || database >= BigInt(call.server.setting('databases'))) {
    return call.reply.error(DATABASE_OUT_OF_RANGE);
  }
  call.client.database = Number(database);
  call.reply.ok();
}
