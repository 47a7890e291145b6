/** What GEOSEARCH and GEORADIUS, in all their forms, ask for. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { SearchShape } from '../../store/geo/search.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from '../replies.ts';
import type { Call } from '../row.ts';
import { doubleArgument, parsePlace, parseUnit, placeOfMember } from './arguments.ts';

/** The form of a command. */
export const enum Form {
  /** GEORADIUS: the place is given. */
  Radius,
  /** GEORADIUSBYMEMBER. */
  RadiusByMember,
  Search,
  SearchStore,
}

export interface SearchRequest {
  readonly shape: SearchShape;
  withDistance: boolean;
  withHash: boolean;
  withPlace: boolean;
  isOrdered: boolean;
  isDown: boolean;
  /** 0: all. */
  count: number;
  isAny: boolean;
  /** Argument that is the key to store at, 0: none. */
  storeIndex: number;
  storeDistance: boolean;
}

/** What the options of a search have said so far. */
interface Seen {
  member: boolean;
  place: boolean;
  radius: boolean;
  box: boolean;
}

const NO_MEMBER = 'ERR could not decode requested zset member';
/** Of an option: the error has been replied. */
const REFUSED = 0;
/** Of an option: it is none of those asked about. */
const UNKNOWN = -1;

const scratchCount = new Int64();
const scratchPlace = { longitude: 0, latitude: 0 };

/** Reads the request about the sorted set found under the call's key. Null: the error has been replied. */
export function parseSearch(call: Call, form: Form, mayStore: boolean): SearchRequest | null {
  const request: SearchRequest = {
    shape: new SearchShape(),
    withDistance: false,
    withHash: false,
    withPlace: false,
    isOrdered: false,
    isDown: false,
    count: 0,
    isAny: false,
    storeIndex: form === Form.SearchStore ? 1 : 0,
    storeDistance: false,
  };
  const seen = { member: false, place: false, radius: false, box: false };
  let index = parseFixed(call, form, request.shape);
  if (index === REFUSED) return null;
  while (index < call.count) {
    const taken = parseOption(call, index, form, mayStore, request, seen);
    if (taken === REFUSED) return null;
    index += taken;
  }
  const error = findConflict(call, form, request, seen);
  if (error === null) return request;
  call.reply.error(error);
  return null;
}

/** Reads what has its place in front of the options. Returns where these begin, or REFUSED. */
function parseFixed(call: Call, form: Form, shape: SearchShape): number {
  if (form === Form.Search) return 2;
  if (form === Form.SearchStore) return 3;
  if (form === Form.Radius) {
    return parseCentre(call, 2, shape) && parseRadius(call, 4, shape) ? 6 : REFUSED;
  }
  // Redis: without a sorted set the rest is read for the sake of the options only.
  if (call.key.record === 0) return 5;
  return parseMember(call, 2, shape) && parseRadius(call, 3, shape) ? 5 : REFUSED;
}

function parseCentre(call: Call, index: number, shape: SearchShape): boolean {
  if (!parsePlace(call, index, scratchPlace)) return false;
  shape.longitude = scratchPlace.longitude;
  shape.latitude = scratchPlace.latitude;
  return true;
}

function parseMember(call: Call, index: number, shape: SearchShape): boolean {
  if (call.key.record === 0) return true;
  if (!placeOfMember(call, call.key, index, scratchPlace)) return fail(call, NO_MEMBER);
  shape.longitude = scratchPlace.longitude;
  shape.latitude = scratchPlace.latitude;
  return true;
}

function parseRadius(call: Call, index: number, shape: SearchShape): boolean {
  shape.radius = doubleArgument(call, index);
  if (shape.radius !== shape.radius) return fail(call, 'ERR need numeric radius');
  if (shape.radius < 0) return fail(call, 'ERR radius cannot be negative');
  shape.isBox = false;
  return setUnit(call, index + 1, shape);
}

function parseBox(call: Call, index: number, shape: SearchShape): boolean {
  shape.width = doubleArgument(call, index);
  if (shape.width !== shape.width) return fail(call, 'ERR need numeric width');
  shape.height = doubleArgument(call, index + 1);
  if (shape.height !== shape.height) return fail(call, 'ERR need numeric height');
  if (shape.width < 0 || shape.height < 0) return fail(call, 'ERR height or width cannot be negative');
  shape.isBox = true;
  return setUnit(call, index + 2, shape);
}

function setUnit(call: Call, index: number, shape: SearchShape): boolean {
  const unitMetres = parseUnit(call, index);
  if (unitMetres === unitMetres) shape.unitMetres = unitMetres;
  return unitMetres === unitMetres;
}

function fail(call: Call, error: string): boolean {
  call.reply.error(error);
  return false;
}

/** Reads the option at `index`. Returns how many arguments it takes, or REFUSED. */
function parseOption(
  call: Call,
  index: number,
  form: Form,
  mayStore: boolean,
  request: SearchRequest,
  seen: Seen,
): number {
  if (parseFlag(call, index, request)) return 1;
  const rest = call.count - index - 1;
  if (rest >= 1 && isWord(call, index, 'COUNT')) return parseCount(call, index + 1, request) ? 2 : REFUSED;
  const taken =
    form >= Form.Search
      ? parseSearchOption(call, index, rest, form, request, seen)
      : parseStoreOption(call, index, rest, mayStore, request);
  if (taken !== UNKNOWN) return taken;
  call.reply.error(SYNTAX_ERROR);
  return REFUSED;
}

/** Options of one word. False: it is none. */
function parseFlag(call: Call, index: number, request: SearchRequest): boolean {
  if (isWord(call, index, 'WITHDIST')) request.withDistance = true;
  else if (isWord(call, index, 'WITHHASH')) request.withHash = true;
  else if (isWord(call, index, 'WITHCOORD')) request.withPlace = true;
  else if (isWord(call, index, 'ANY')) request.isAny = true;
  else if (isWord(call, index, 'ASC') || isWord(call, index, 'DESC')) {
    request.isOrdered = true;
    request.isDown = isWord(call, index, 'DESC');
  } else return false;
  return true;
}

function parseCount(call: Call, index: number, request: SearchRequest): boolean {
  if (!parseInt64Argument(call, index, scratchCount)) return fail(call, NOT_AN_INTEGER);
  request.count = int64ToNumber(scratchCount);
  return request.count > 0 || fail(call, 'ERR COUNT must be > 0');
}

function parseStoreOption(
  call: Call,
  index: number,
  rest: number,
  mayStore: boolean,
  request: SearchRequest,
): number {
  const isDistance = isWord(call, index, 'STOREDIST');
  if (!mayStore || rest < 1 || (!isDistance && !isWord(call, index, 'STORE'))) return UNKNOWN;
  request.storeIndex = index + 1;
  request.storeDistance = isDistance;
  return 2;
}

function parseSearchOption(
  call: Call,
  index: number,
  rest: number,
  form: Form,
  request: SearchRequest,
  seen: Seen,
): number {
  const { shape } = request;
  if (form === Form.SearchStore && isWord(call, index, 'STOREDIST')) {
    request.storeDistance = true;
    return 1;
  }
  if (rest >= 1 && !seen.place && isWord(call, index, 'FROMMEMBER')) {
    seen.member = true;
    return parseMember(call, index + 1, shape) ? 2 : REFUSED;
  }
  if (rest >= 2 && !seen.member && isWord(call, index, 'FROMLONLAT')) {
    seen.place = true;
    return parseCentre(call, index + 1, shape) ? 3 : REFUSED;
  }
  if (rest >= 2 && !seen.box && isWord(call, index, 'BYRADIUS')) {
    seen.radius = true;
    return parseRadius(call, index + 1, shape) ? 3 : REFUSED;
  }
  if (rest >= 3 && !seen.radius && isWord(call, index, 'BYBOX')) {
    seen.box = true;
    return parseBox(call, index + 1, shape) ? 4 : REFUSED;
  }
  return UNKNOWN;
}

/** What does not go together in a request, in the order in which Redis looks, or null. */
function findConflict(call: Call, form: Form, request: SearchRequest, seen: Seen): string | null {
  const isSearch = form >= Form.Search;
  const isDetailed = request.withDistance || request.withHash || request.withPlace;
  if (request.storeIndex !== 0 && isDetailed) {
    const what = form === Form.SearchStore ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS';
    return `ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`;
  }
  if (isSearch && !seen.member && !seen.place) {
    return `ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${call.text(0)}`;
  }
  if (isSearch && !seen.radius && !seen.box) {
    return `ERR exactly one of BYRADIUS and BYBOX can be specified for ${call.text(0)}`;
  }
  return request.isAny && request.count === 0 ? 'ERR the ANY argument requires COUNT argument' : null;
}
