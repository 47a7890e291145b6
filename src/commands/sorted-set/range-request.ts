/** What a command asks for of a range of a sorted set, and where in it that lies. */
import type { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import { sortedSetLength } from '../../store/sorted-set/sorted-set.ts';
import {
  type RankSpan,
  ScoreRange,
  spanOfScores,
  spanOfTexts,
  TextBound,
} from '../../store/sorted-set/range.ts';
import { isWord } from '../argument.ts';
import { SYNTAX_ERROR } from '../replies.ts';
import type { Call } from '../row.ts';
import { parseScoreRange, parseTextRange, requireInteger } from './arguments.ts';

/** What delimits a range. */
export const enum By {
  /** The arguments may say it; by rank, if they do not. */
  Any,
  Rank,
  Score,
  Text,
}

/** From which end a range is read. */
export const enum Direction {
  /** The arguments may say it; upwards, if they do not. */
  Any,
  Up,
  Down,
}

const LIMIT_NEEDS_BY =
  'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX';
const SCORES_NOT_BY_TEXT = 'ERR syntax error, WITHSCORES not supported in combination with BYLEX';

/** One at a time; used for command after command. */
export class RangeRequest {
  by = By.Rank;
  isDown = false;
  withScores = false;
  /** LIMIT. A negative count means all. */
  offset = 0;
  limit = -1;
  /** By.Rank: as given, negative from the end. */
  start = 0;
  end = 0;
  readonly scores = new ScoreRange();
  readonly minText = new TextBound();
  readonly maxText = new TextBound();

  reset(by: By, isDown: boolean): void {
    this.by = by;
    this.isDown = isDown;
    this.withScores = false;
    this.offset = 0;
    this.limit = -1;
  }
}

/**
 * Reads key, start, stop and options from argument `keyIndex` on. `isStore`: for ZRANGESTORE, which has no WITHSCORES.
 * False: the error has been replied.
 */
export function parseRange(
  call: Call,
  keyIndex: number,
  by: By,
  direction: Direction,
  isStore: boolean,
  request: RangeRequest,
): boolean {
  request.reset(by, direction === Direction.Down);
  for (let index = keyIndex + 3; index < call.count;) {
    const used = parseOption(call, index, direction === Direction.Any, by === By.Any, isStore, request);
    if (used === 0) return false;
    index += used;
  }
  if (request.by === By.Any) request.by = By.Rank;
  if (request.limit !== -1 && request.by === By.Rank) return refuse(call, LIMIT_NEEDS_BY);
  if (request.withScores && request.by === By.Text) return refuse(call, SCORES_NOT_BY_TEXT);
  // Redis: what is read downwards is given as maximum and minimum.
  const isSwapped = request.isDown && request.by !== By.Rank;
  const first = keyIndex + 1;
  const second = keyIndex + 2;
  return isSwapped
    ? parseBounds(call, second, first, request.by, request)
    : parseBounds(call, first, second, request.by, request);
}

/** Reads the option at argument `index`. Returns how many arguments it takes, or 0: the error has been replied. */
function parseOption(
  call: Call,
  index: number,
  mayTurn: boolean,
  maySayBy: boolean,
  isStore: boolean,
  request: RangeRequest,
): number {
  if (!isStore && isWord(call, index, 'WITHSCORES')) {
    request.withScores = true;
    return 1;
  }
  if (index + 2 < call.count && isWord(call, index, 'LIMIT')) {
    request.offset = requireInteger(call, index + 1);
    if (request.offset !== request.offset) return 0;
    request.limit = requireInteger(call, index + 2);
    return request.limit === request.limit ? 3 : 0;
  }
  // Redis: neither may be said twice.
  if (mayTurn && !request.isDown && isWord(call, index, 'REV')) {
    request.isDown = true;
    return 1;
  }
  if (maySayBy && request.by === By.Any) {
    if (isWord(call, index, 'BYSCORE')) request.by = By.Score;
    else if (isWord(call, index, 'BYLEX')) request.by = By.Text;
    if (request.by !== By.Any) return 1;
  }
  call.reply.error(SYNTAX_ERROR);
  return 0;
}

function refuse(call: Call, error: string): boolean {
  call.reply.error(error);
  return false;
}

/** Reads a range, of any kind but By.Any, without options. False: the error has been replied. */
export function parsePlainRange(
  call: Call,
  minIndex: number,
  maxIndex: number,
  by: By,
  request: RangeRequest,
): boolean {
  request.reset(by, false);
  return parseBounds(call, minIndex, maxIndex, by, request);
}

function parseBounds(call: Call, minIndex: number, maxIndex: number, by: By, request: RangeRequest): boolean {
  if (by === By.Score) return parseScoreRange(call, minIndex, maxIndex, request.scores);
  if (by === By.Text) {
    return parseTextRange(call, minIndex, maxIndex, request.minText, request.maxText);
  }
  request.start = requireInteger(call, minIndex);
  if (request.start !== request.start) return false;
  request.end = requireInteger(call, maxIndex);
  return request.end === request.end;
}

/**
 * Sets `span` to the members asked for. Its first is the one to begin with: the highest where they are read downwards.
 * `source`: of the request.
 */
export function findSpan(
  shard: Shard,
  record: number,
  source: Bytes,
  request: RangeRequest,
  span: RankSpan,
): void {
  if (request.by === By.Rank) return spanOfRanks(sortedSetLength(shard, record), request, span);
  if (request.by === By.Score) spanOfScores(shard, record, request.scores, span);
  else spanOfTexts(shard, record, source, request.minText, request.maxText, span);
  const { offset, limit } = request;
  // Redis: a negative offset is beyond everything.
  const count = offset < 0 ? 0 : Math.max(span.count - offset, 0);
  if (request.isDown) span.first += span.count - 1 - offset;
  else span.first += offset;
  span.count = limit < 0 ? count : Math.min(count, limit);
}

function spanOfRanks(length: number, request: RangeRequest, span: RankSpan): void {
  const start = Math.max(request.start < 0 ? request.start + length : request.start, 0);
  const end = Math.min(request.end < 0 ? request.end + length : request.end, length - 1);
  span.set(start, end + 1);
  if (request.isDown) span.first = length - 1 - start;
}
