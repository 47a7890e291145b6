/** CLIENT TRACKING and its kin: a client keeps copies of what it has read, and is told when they are out of date. */
import { parseLong } from './client-arguments.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from '../replies.ts';
import { type Call, type Client, Flag, type Row } from '../row.ts';

/** How a client wants to be told. */
export interface TrackingMode {
  /** Of every change of keys with certain beginnings, instead of what it has read. */
  readonly isBroadcast: boolean;
  /** Only what it reads behind CLIENT CACHING YES is remembered. */
  readonly isOptIn: boolean;
  /** What it reads behind CLIENT CACHING NO is not remembered. */
  readonly isOptOut: boolean;
  /** Not of its own changes. */
  readonly noLoop: boolean;
  /** Id of the client that is told in its place, and the worker that has it; 0 for none. */
  readonly redirect: number;
  readonly redirectWorker: number;
}

/** What is so with a client that tracks. */
export interface TrackingState {
  readonly mode: TrackingMode;
  /** Beginnings of keys, as latin1, in byte order. */
  readonly prefixes: readonly string[];
  /** The client that was to be told in its place is gone. */
  isBroken: boolean;
  /** CLIENT CACHING has said something about the next command. */
  isCachingGiven: boolean;
}

/** What commands ask of the part of the server that tracks. */
export interface ClientTracking {
  /** Begins to track for `client`, or changes how; `prefixes` are added to those that it has. */
  enable(client: Client, mode: TrackingMode, prefixes: readonly string[]): void;
  disable(client: Client): void;
  /** Null: nothing is tracked for it. */
  stateOf(client: Client): TrackingState | null;
  /** Whether this worker has a client of this id. */
  isHere(clientId: number): boolean;
  /** The worker that has a client of this id, or -1. */
  findWorker(clientId: number): Promise<number>;
  /** Everything is about to be removed (true), or has been: that is told as one thing. */
  flush(isBeginning: boolean): void;
}

const FLAGS = Flag.NoScript | Flag.Loading | Flag.Stale | Flag.Sentinel;
const NO_SUCH_CLIENT = 'ERR The client ID you want redirect to does not exist';
const IS_BROADCAST =
  "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a " +
  'different mode.';
const IS_CHOSEN =
  "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a " +
  'different mode.';

export const trackingRows: readonly Row[] = [
  row('CACHING', '6.0.0', 3, 'Says whether what is read next is tracked.', caching),
  row('GETREDIR', '6.0.0', 2, 'The client to which invalidations are sent.', getRedirect),
  row('TRACKING', '6.0.0', -3, 'Tells the connection when keys change that it has read.', tracking),
  row('TRACKINGINFO', '6.2.0', 2, 'How keys are tracked for the connection.', trackingInfo),
];

function row(name: string, since: string, arity: number, summary: string, run: Row['run']): Row {
  return { name, since, arity, flags: FLAGS, acl: ['connection'], summary, run: run! };
}

/** The options of CLIENT TRACKING. */
class Options {
  isBroadcast = false;
  isOptIn = false;
  isOptOut = false;
  noLoop = false;
  redirect = 0;
  redirectWorker = 0;
  readonly prefixes: string[] = [];
}

function tracking(call: Call): void {
  const options = readOptions(call);
  if (typeof options === 'string') return call.reply.error(options);
  const word = call.text(2).toUpperCase();
  if (word === 'OFF') {
    call.server.tracking.disable(call.client);
    return call.reply.ok();
  }
  if (word !== 'ON') return call.reply.error(SYNTAX_ERROR);
  const { server } = call;
  if (options.redirect === 0) return enable(call, options);
  if (server.tracking.isHere(options.redirect)) {
    options.redirectWorker = server.workerIndex;
    return enable(call, options);
  }
  // In a transaction nobody can be asked.
  if (!call.mayBlock) return call.reply.error(NO_SUCH_CLIENT);
  findRedirect(call, options);
}

function enable({ client, server, reply }: Call, options: Options): void {
  const problem = findProblem(server.tracking.stateOf(client), options);
  if (problem !== null) return reply.error(problem);
  server.tracking.enable(client, options, options.prefixes);
  reply.ok();
}

/** The client named may be on any worker. */
function findRedirect(call: Call, options: Options): void {
  const { client, server } = call;
  const parked = call.park();
  void server.tracking.findWorker(options.redirect).then((worker) =>
    parked.resume((reply) => {
      options.redirectWorker = worker;
      const problem = worker < 0 ? NO_SUCH_CLIENT : findProblem(server.tracking.stateOf(client), options);
      if (problem !== null) return reply.error(problem);
      server.tracking.enable(client, options, options.prefixes);
      reply.ok();
    }),
  );
}

/** The options, or the error. */
function readOptions(call: Call): Options | string {
  const options = new Options();
  for (let index = 3; index < call.count; index++) {
    const hasValue = index + 1 < call.count;
    const word = call.text(index).toUpperCase();
    if (word === 'REDIRECT' && hasValue) {
      const id = parseLong(call.text(++index));
      if (id === null) return NOT_AN_INTEGER;
      if (options.redirect !== 0) return 'ERR A client can only redirect to a single other client';
      options.redirect = Number(id);
      if (id <= 0n) return NO_SUCH_CLIENT;
    } else if (word === 'BCAST') options.isBroadcast = true;
    else if (word === 'OPTIN') options.isOptIn = true;
    else if (word === 'OPTOUT') options.isOptOut = true;
    else if (word === 'NOLOOP') options.noLoop = true;
    else if (word === 'PREFIX' && hasValue)
      options.prefixes.push(call.copyArgument(++index).toString('latin1'));
    else return SYNTAX_ERROR;
  }
  return options;
}

/** What keeps these options from being taken, in Redis' order, or null. */
function findProblem(state: TrackingState | null, options: Options): string | null {
  const { isBroadcast, isOptIn, isOptOut, prefixes } = options;
  if (prefixes.length > 0 && !isBroadcast) return 'ERR PREFIX option requires BCAST mode to be enabled';
  if (state !== null && state.mode.isBroadcast !== isBroadcast) return IS_BROADCAST;
  if (isBroadcast && (isOptIn || isOptOut)) return 'ERR OPTIN and OPTOUT are not compatible with BCAST';
  if (isOptIn && isOptOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if (state !== null && ((isOptIn && state.mode.isOptOut) || (isOptOut && state.mode.isOptIn))) {
    return IS_CHOSEN;
  }
  return isBroadcast ? findOverlap(state?.prefixes ?? [], prefixes) : null;
}

/** Redis: no two beginnings of one client may be such that a key could have both. */
function findOverlap(existing: readonly string[], given: readonly string[]): string | null {
  const sorted = [...existing, ...given].sort();
  // In this order whatever stands between a beginning and one that it overlaps with does too.
  if (!sorted.some((prefix, at) => at > 0 && prefix.startsWith(sorted[at - 1]!))) return null;
  for (const [index, prefix] of given.entries()) {
    const old = existing.find((other) => overlaps(prefix, other));
    if (old !== undefined) return overlapError(prefix, 'an existing', old);
    const twin = given.slice(index + 1).find((other) => overlaps(prefix, other));
    if (twin !== undefined) return overlapError(prefix, 'another provided', twin);
  }
  return null;
}

function overlaps(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function overlapError(prefix: string, which: string, other: string): string {
  return `ERR Prefix '${prefix}' overlaps with ${which} prefix '${other}'. Prefixes for a single client must not overlap.`;
}

function caching(call: Call): void {
  const { client, reply, server } = call;
  const state = server.tracking.stateOf(client);
  if (state === null) {
    return reply.error(
      'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
    );
  }
  const word = call.text(2).toUpperCase();
  if (word !== 'YES' && word !== 'NO') return reply.error(SYNTAX_ERROR);
  if (word === 'YES' && !state.mode.isOptIn) {
    return reply.error('ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.');
  }
  if (word === 'NO' && !state.mode.isOptOut) {
    return reply.error('ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.');
  }
  state.isCachingGiven = true;
  reply.ok();
}

function getRedirect({ client, reply, server }: Call): void {
  const state = server.tracking.stateOf(client);
  reply.integer(state === null ? -1 : state.mode.redirect);
}

function trackingInfo({ client, reply, server }: Call): void {
  const state = server.tracking.stateOf(client);
  const flags = state === null ? ['off'] : flagWords(state);
  reply.map(3);
  reply.bulkText('flags');
  reply.set(flags.length);
  for (const flag of flags) reply.bulkText(flag);
  reply.bulkText('redirect');
  reply.integer(state === null ? -1 : state.mode.redirect);
  reply.bulkText('prefixes');
  const prefixes = state?.prefixes ?? [];
  reply.array(prefixes.length);
  for (const prefix of prefixes) reply.bulkBuffer(Buffer.from(prefix, 'latin1'));
}

function flagWords({ mode, isCachingGiven, isBroken }: TrackingState): string[] {
  const words = ['on'];
  if (mode.isBroadcast) words.push('bcast');
  if (mode.isOptIn) words.push('optin');
  if (mode.isOptIn && isCachingGiven) words.push('caching-yes');
  if (mode.isOptOut) words.push('optout');
  if (mode.isOptOut && isCachingGiven) words.push('caching-no');
  if (mode.noLoop) words.push('noloop');
  if (isBroken) words.push('broken_redirect');
  return words;
}
