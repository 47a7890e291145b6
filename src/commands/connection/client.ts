/** CLIENT: what a client tells about itself, and what it asks about and does to others, on whichever worker they are. */
import { isPrintableWord, parseLong } from './client-arguments.ts';
import { trackingRows } from './tracking.ts';
import { CLIENT_NAME_INVALID, helpText, NOT_AN_INTEGER, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, type Row } from '../row.ts';

/** Which clients are meant; a field left out means any. */
export interface ClientFilter {
  readonly ids?: readonly number[];
  readonly type?: string;
  readonly address?: string;
  readonly localAddress?: string;
  readonly user?: string;
  /** Connected at least this long. */
  readonly ageSeconds?: number;
  /** Who asks, and whether it is left out. */
  readonly askerId: number;
  readonly skipAsker: boolean;
}

/** Answer to `clients.list`: one for each client that matches. */
export interface ClientListing {
  readonly id: number;
  readonly line: string;
}

/** Answer to `clients.kill`. The asker is counted but left open, so that it can be answered. */
export interface KillOutcome {
  readonly killedCount: number;
  readonly isAskerKilled: boolean;
}

/** Question of `clients.pause`; an end of 0 ends a pause. */
export interface PauseRequest {
  readonly untilMs: number;
  readonly all: boolean;
}

/** Question of `clients.unblock`, which each worker answers by whether it had such a client. */
export interface UnblockRequest {
  readonly id: number;
  readonly withError: boolean;
}

const COMMON = Flag.NoScript | Flag.Loading | Flag.Stale | Flag.Sentinel;
const EVERYWHERE = ['REQUEST_POLICY:ALL_NODES', 'RESPONSE_POLICY:ALL_SUCCEEDED'];

/** Most subcommands differ in their arity and handler only. */
function sub(
  name: string,
  since: string,
  arity: number,
  flags: number,
  summary: string,
  run: Row['run'],
): Row {
  return { name, since, arity, flags, acl: ['connection'], summary, ...(run === undefined ? {} : { run }) };
}

const SUBCOMMANDS: readonly Row[] = [
  ...trackingRows,
  sub('GETNAME', '2.6.9', 2, COMMON, "The connection's name.", getName),
  sub('HELP', '5.0.0', 2, Flag.Loading | Flag.Stale | Flag.Sentinel, 'Lists the subcommands.', help),
  sub('ID', '5.0.0', 2, COMMON, "The connection's id.", id),
  {
    ...sub('INFO', '6.2.0', 2, COMMON, "The connection's line of CLIENT LIST.", info),
    tips: ['NONDETERMINISTIC_OUTPUT'],
  },
  sub('KILL', '2.4.0', -3, COMMON | Flag.Admin, 'Closes connections.', kill),
  {
    ...sub('LIST', '2.4.0', -2, COMMON | Flag.Admin, 'One line for each connection.', list),
    tips: ['NONDETERMINISTIC_OUTPUT'],
  },
  sub('NO-EVICT', '7.0.0', 3, COMMON | Flag.Admin, 'Spares the connection when memory is short.', noEvict),
  sub(
    'NO-TOUCH',
    '7.2.0',
    3,
    Flag.NoScript | Flag.Loading | Flag.Stale,
    'Reads without renewing access times.',
    noTouch,
  ),
  sub('PAUSE', '3.0.0', -3, COMMON | Flag.Admin, 'Holds commands back for a time.', pause),
  sub('REPLY', '3.2.0', 3, COMMON, 'Says whether replies are sent.', replyMode),
  { ...sub('SETINFO', '7.2.0', 4, COMMON, "Names the client's library.", setInfo), tips: EVERYWHERE },
  { ...sub('SETNAME', '2.6.9', 3, COMMON, 'Names the connection.', setName), tips: EVERYWHERE },
  sub('UNBLOCK', '5.0.0', -3, COMMON | Flag.Admin, 'Ends the wait of a blocked connection.', unblock),
  sub('UNPAUSE', '6.2.0', 2, COMMON | Flag.Admin, 'Ends a pause.', unpause),
];

export const clientRow: Row = {
  name: 'CLIENT',
  since: '2.4.0',
  arity: -2,
  flags: Flag.Sentinel,
  summary: 'Commands about client connections.',
  subs: SUBCOMMANDS,
};

function getName(call: Call): void {
  if (call.client.name === '') call.reply.nil();
  else call.reply.bulkText(call.client.name);
}

function help(call: Call): void {
  helpText(call.reply, 'CLIENT', [
    'CACHING (YES|NO)',
    '    Says whether what is read next is tracked.',
    'GETNAME',
    "    Tells the connection's name.",
    'GETREDIR',
    '    Tells the client to which invalidations are sent.',
    'ID',
    "    Tells the connection's id.",
    'INFO',
    "    Tells the connection's own line of LIST.",
    'KILL <ip:port>',
    '    Closes the connection from an address.',
    'KILL <option> <value> [<option> <value> ...]',
    '    Closes all connections that fit: ADDR <ip:port>, LADDR <ip:port>, ID <id>, MAXAGE <seconds>,',
    '    TYPE (NORMAL|MASTER|REPLICA|PUBSUB), USER <name>; SKIPME (YES|NO) says whether to spare this one.',
    'LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <id> [<id> ...]]',
    '    Tells one line for each connection.',
    'NO-EVICT (ON|OFF)',
    '    Spares the connection when memory is short.',
    'NO-TOUCH (ON|OFF)',
    '    Leaves access times as they are when the connection reads.',
    'PAUSE <milliseconds> [WRITE|ALL]',
    '    Holds back commands that write, or all.',
    'REPLY (ON|OFF|SKIP)',
    '    Sends replies, sends none, or skips the next.',
    'SETINFO (LIB-NAME|LIB-VER) <value>',
    "    Names the client's library.",
    'SETNAME <name>',
    '    Names the connection.',
    'TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]',
    '    Tells the connection when keys change that it has read.',
    'TRACKINGINFO',
    '    Tells how keys are tracked for the connection.',
    'UNBLOCK <client-id> [TIMEOUT|ERROR]',
    '    Ends the wait of a blocked connection, as if its time were over or with an error.',
    'UNPAUSE',
    '    Ends a pause.',
  ]);
}

function id(call: Call): void {
  call.reply.integer(call.client.id);
}

function info(call: Call): void {
  call.reply.verbatim(`${call.client.describe()}\n`, 'txt');
}

function kill(call: Call): void {
  const isOldForm = call.count === 3;
  const filter = isOldForm
    ? { address: call.text(2), askerId: call.client.id, skipAsker: false }
    : readKillFilter(call);
  if (filter === null) return;
  const { client, server } = call;
  const parked = call.park();
  void server.askWorkers('clients.kill', filter).then((answers) => {
    const outcomes = answers as KillOutcome[];
    const killedCount = outcomes.reduce((sum, outcome) => sum + outcome.killedCount, 0);
    parked.resume((reply) => {
      if (!isOldForm) reply.integer(killedCount);
      else if (killedCount > 0) reply.ok();
      else reply.error('ERR No such client');
      if (outcomes.some((outcome) => outcome.isAskerKilled)) client.closeAfterReply();
    });
  });
}

/** The filter of CLIENT KILL's options, or null when the error is written. */
function readKillFilter(call: Call): ClientFilter | null {
  let filter: ClientFilter = { askerId: call.client.id, skipAsker: true };
  for (let index = 2; index < call.count; index += 2) {
    const part =
      index + 1 < call.count ? readKillOption(call, call.text(index), call.text(index + 1)) : SYNTAX_ERROR;
    if (typeof part === 'string') {
      call.reply.error(part);
      return null;
    }
    filter = { ...filter, ...part };
  }
  return filter;
}

/** What one option of CLIENT KILL adds to the filter, or the error. */
function readKillOption(call: Call, option: string, value: string): Partial<ClientFilter> | string {
  switch (option.toUpperCase()) {
    case 'ID': {
      const wanted = parseLong(value);
      if (wanted === null || wanted < 1n) return 'ERR client-id should be greater than 0';
      return { ids: [Number(wanted)] };
    }
    case 'MAXAGE': {
      const seconds = parseLong(value);
      if (seconds === null) return 'ERR maxage is not an integer or out of range';
      if (seconds < 1n) return 'ERR maxage should be greater than 0';
      return { ageSeconds: Number(seconds) };
    }
    case 'TYPE': {
      const type = readType(value);
      return type === null ? unknownType(value) : { type };
    }
    case 'ADDR':
      return { address: value };
    case 'LADDR':
      return { localAddress: value };
    case 'USER':
      return call.server.users.get(Buffer.from(value).toString('latin1')) !== undefined
        ? { user: value }
        : `ERR No such user '${value}'`;
    case 'SKIPME': {
      const choice = value.toUpperCase();
      return choice === 'YES' || choice === 'NO' ? { skipAsker: choice === 'YES' } : SYNTAX_ERROR;
    }
    default:
      return SYNTAX_ERROR;
  }
}

function readType(word: string): string | null {
  const type = word.toLowerCase();
  if (type === 'slave') return 'replica';
  return ['normal', 'master', 'replica', 'pubsub'].includes(type) ? type : null;
}

function unknownType(word: string): string {
  return `ERR Unknown client type '${word}'`;
}

function list(call: Call): void {
  const filter = readListFilter(call);
  if (typeof filter === 'string') return call.reply.error(filter);
  // Told before it is parked: waiting for this answer is not being blocked.
  const own: ClientListing = { id: call.client.id, line: call.client.describe() };
  const parked = call.park();
  void call.server.askWorkers('clients.list', filter).then((answers) => {
    const listings = (answers as ClientListing[][])
      .flat()
      .map((listing) => (listing.id === own.id ? own : listing));
    const lines = filter.ids === undefined ? inOrderOfAge(listings) : inOrderAsked(listings, filter.ids);
    parked.resume((reply) => reply.verbatim(lines.map((line) => `${line}\n`).join(''), 'txt'));
  });
}

/** The filter of CLIENT LIST's options, or the error. */
function readListFilter(call: Call): ClientFilter | string {
  const filter: ClientFilter = { askerId: call.client.id, skipAsker: false };
  if (call.count === 2) return filter;
  const option = call.text(2).toUpperCase();
  if (option === 'TYPE' && call.count === 4) {
    const type = readType(call.text(3));
    return type === null ? unknownType(call.text(3)) : { ...filter, type };
  }
  if (option !== 'ID' || call.count === 3) return SYNTAX_ERROR;
  const ids: number[] = [];
  for (let index = 3; index < call.count; index++) {
    const wanted = parseLong(call.text(index));
    if (wanted === null) return 'ERR Invalid client ID';
    ids.push(Number(wanted));
  }
  return { ...filter, ids };
}

function inOrderOfAge(listings: ClientListing[]): string[] {
  return listings.sort((a, b) => a.id - b.id).map(({ line }) => line);
}

/** Redis: an id asked for twice is listed twice. */
function inOrderAsked(listings: ClientListing[], ids: readonly number[]): string[] {
  const lines = new Map(listings.map(({ id: clientId, line }) => [clientId, line]));
  return ids.flatMap((wanted) => lines.get(wanted) ?? []);
}

function noEvict(call: Call): void {
  const isOn = readSwitch(call);
  if (isOn === null) return;
  call.client.noEvict = isOn;
  call.reply.ok();
}

function noTouch(call: Call): void {
  const isOn = readSwitch(call);
  if (isOn === null) return;
  call.client.noTouch = isOn;
  call.reply.ok();
}

/** ON or OFF in argument 2, or null when the error is written. */
function readSwitch(call: Call): boolean | null {
  const word = call.text(2).toUpperCase();
  if (word === 'ON' || word === 'OFF') return word === 'ON';
  call.reply.error(SYNTAX_ERROR);
  return null;
}

function pause(call: Call): void {
  const { reply } = call;
  const mode = call.count > 3 ? call.text(3).toUpperCase() : 'ALL';
  if (call.count > 4) return reply.error(SYNTAX_ERROR);
  if (mode !== 'ALL' && mode !== 'WRITE') return reply.error('ERR CLIENT PAUSE mode must be WRITE or ALL');
  const durationMs = parseLong(call.text(2));
  if (durationMs === null) return reply.error('ERR timeout is not an integer or out of range');
  if (durationMs < 0n) return reply.error('ERR timeout is negative');
  askPause(call, { untilMs: Date.now() + Number(durationMs), all: mode === 'ALL' });
}

/** Neither OFF nor SKIP is answered itself: the dispatcher drops nothing that was not written. */
function replyMode(call: Call): void {
  const { client } = call;
  switch (call.text(2).toUpperCase()) {
    case 'ON':
      client.replyMode = 'on';
      return call.reply.ok();
    case 'OFF':
      client.replyMode = 'off';
      return;
    case 'SKIP':
      if (client.replyMode !== 'off') client.replyMode = 'skip-next';
      return;
    default:
      return call.reply.error(SYNTAX_ERROR);
  }
}

function setInfo(call: Call): void {
  const option = call.text(2);
  const value = call.text(3);
  const name = option.toLowerCase();
  if (name !== 'lib-name' && name !== 'lib-ver')
    return call.reply.error(`ERR Unrecognized option '${option}'`);
  if (!isPrintableWord(value)) {
    return call.reply.error(`ERR ${name} cannot contain spaces, newlines or special characters.`);
  }
  if (name === 'lib-name') call.client.libraryName = value;
  else call.client.libraryVersion = value;
  call.reply.ok();
}

function setName(call: Call): void {
  const name = call.text(2);
  if (!isPrintableWord(name)) return call.reply.error(CLIENT_NAME_INVALID);
  call.client.name = name;
  call.reply.ok();
}

function unblock(call: Call): void {
  const { reply, server } = call;
  if (call.count > 4) {
    const name = call.text(1).slice(0, 128);
    return reply.error(`ERR unknown subcommand or wrong number of arguments for '${name}'. Try CLIENT HELP.`);
  }
  const reason = call.count === 4 ? call.text(3).toUpperCase() : 'TIMEOUT';
  if (reason !== 'TIMEOUT' && reason !== 'ERROR') {
    return reply.error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  }
  const wanted = parseLong(call.text(2));
  if (wanted === null) return reply.error(NOT_AN_INTEGER);
  const request: UnblockRequest = { id: Number(wanted), withError: reason === 'ERROR' };
  const parked = call.park();
  void server.askWorkers('clients.unblock', request).then((answers) => {
    parked.resume((late) => late.integer(answers.includes(true) ? 1 : 0));
  });
}

function unpause(call: Call): void {
  askPause(call, { untilMs: 0, all: false });
}

function askPause(call: Call, request: PauseRequest): void {
  const parked = call.park();
  void call.server.askWorkers('clients.pause', request).then(() => parked.resume((reply) => reply.ok()));
}
