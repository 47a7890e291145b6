/**
 * Places near another: a sorted set whose scores are numbers of cells is searched in the cell of the centre, of a size to
 * suit the search, and its eight neighbours, each of which is a range of scores. Which cells, and in which order, is
 * Redis', for the order of what is found is that of the reply.
 */
import { Bytes, copyBytes } from '../../base/bytes.ts';
import {
  arcDegrees,
  cellEdge,
  cellIndex,
  cellNumber,
  decodePlace,
  distance,
  LATITUDE_MAX,
  LONGITUDE_MAX,
  longitudeDegrees,
  STEPS_MAX,
} from '../../base/geohash.ts';
import type { Shard } from '../../memory/shard.ts';
import type { EntryText } from '../../structures/packed-entry.ts';
import { RankSpan, ScoreRange, spanOfScores } from '../sorted-set/range.ts';
import { SortedSetWalk } from '../sorted-set/walk.ts';

/** What is searched: a circle, or a box that follows the meridians. Lengths are in units of `unitMetres`. */
export class SearchShape {
  longitude = 0;
  latitude = 0;
  isBox = false;
  radius = 0;
  width = 0;
  height = 0;
  unitMetres = 1;
}

/** A cell of one of 2 ** steps by 2 ** steps; `isLeftOut` where nothing in it can be near. */
interface Cell {
  readonly longitudeIndex: number;
  readonly latitudeIndex: number;
  isLeftOut: boolean;
}

/** Half the length of the equator, as the map has it. */
const MERCATOR_MAX = 20037726.37;
/** What a distance may be off by for the sake of rounding, in metres: nothing that is nearer to the limit is passed over. */
const SLACK_METRES = 1e-3;
/** East and north of the centre, in the order of the search. */
const DIRECTIONS = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
] as const;

/** What a search has found, in its order. */
export class PlaceList {
  count = 0;
  scores = new Float64Array(64);
  longitudes = new Float64Array(64);
  latitudes = new Float64Array(64);
  distances = new Float64Array(64);
  private texts = Bytes.allocate(1024);
  private textEnds = new Int32Array(64);

  clear(): void {
    this.count = 0;
    if (this.scores.length <= KEPT_PLACES) return;
    this.resize(64);
    this.texts = Bytes.allocate(1024);
  }

  add(score: number, longitude: number, latitude: number, metres: number, member: EntryText): void {
    const index = this.count;
    if (index === this.scores.length) this.resize(index * 2);
    this.scores[index] = score;
    this.longitudes[index] = longitude;
    this.latitudes[index] = latitude;
    this.distances[index] = metres;
    const at = index === 0 ? 0 : this.textEnds[index - 1]!;
    const end = at + member.byteCount;
    if (end > this.texts.u8.length) this.growTexts(at, end);
    copyBytes(member.bytes, member.at, this.texts, at, member.byteCount);
    this.textEnds[index] = end;
    this.count = index + 1;
  }

  /** Points `text` at a member. */
  pointAt(index: number, text: EntryText): void {
    const at = index === 0 ? 0 : this.textEnds[index - 1]!;
    text.set(this.texts, at, this.textEnds[index]! - at);
  }

  private resize(length: number): void {
    this.scores = resized(this.scores, length);
    this.longitudes = resized(this.longitudes, length);
    this.latitudes = resized(this.latitudes, length);
    this.distances = resized(this.distances, length);
    const ends = new Int32Array(length);
    ends.set(this.textEnds.subarray(0, length));
    this.textEnds = ends;
  }

  private growTexts(used: number, needed: number): void {
    const larger = Bytes.allocate(needed * 2);
    this.texts.u8.copy(larger.u8, 0, 0, used);
    this.texts = larger;
  }

  /** The places' indexes from the nearest or the farthest on; what is equally far stays in its order. */
  order(isDown: boolean): Uint32Array {
    const order = Uint32Array.from({ length: this.count }, (_, index) => index);
    const { distances } = this;
    return isDown
      ? order.sort((a, b) => distances[b]! - distances[a]! || a - b)
      : order.sort((a, b) => distances[a]! - distances[b]! || a - b);
  }
}

/** A list for more places than this is given up after the search. */
const KEPT_PLACES = 16_384;

function resized(values: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(values.subarray(0, length));
  return larger;
}

/** How finely the map is to be divided for nine cells to hold all that is so near. */
function stepsFor(metres: number, latitude: number): number {
  if (metres === 0) return STEPS_MAX;
  let steps = 1;
  for (let range = metres; range < MERCATOR_MAX; range *= 2) steps++;
  steps -= 2;
  // Cells become narrow towards the poles.
  if (Math.abs(latitude) > 66) steps--;
  if (Math.abs(latitude) > 80) steps--;
  return Math.min(Math.max(steps, 1), STEPS_MAX);
}

/** The cell of the centre and its neighbours, in the order of DIRECTIONS. */
function cellsAround(shape: SearchShape, steps: number): Cell[] {
  const longitudeIndex = cellIndex(shape.longitude, LONGITUDE_MAX, steps);
  const latitudeIndex = cellIndex(shape.latitude, LATITUDE_MAX, steps);
  // Beyond the edge of the map one comes in at the other side.
  const mask = 2 ** steps - 1;
  return DIRECTIONS.map(([east, north]) => ({
    longitudeIndex: east === 0 ? longitudeIndex : (longitudeIndex + east) & mask,
    latitudeIndex: north === 0 ? latitudeIndex : (latitudeIndex + north) & mask,
    isLeftOut: false,
  }));
}

interface Bounds {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

function boundsOf(shape: SearchShape): Bounds {
  const { longitude, latitude, unitMetres } = shape;
  const height = unitMetres * (shape.isBox ? shape.height / 2 : shape.radius);
  const width = unitMetres * (shape.isBox ? shape.width / 2 : shape.radius);
  const northward = arcDegrees(height);
  // The side that is nearer to a pole spans more degrees.
  const eastward = longitudeDegrees(width, latitude < 0 ? latitude - northward : latitude + northward);
  return {
    west: longitude - eastward,
    east: longitude + eastward,
    south: latitude - northward,
    north: latitude + northward,
  };
}

/** Whether the nine cells end inside the bounds somewhere. */
function isCutShort(cells: readonly Cell[], steps: number, bounds: Bounds): boolean {
  const [, north, south, east, west] = cells as [Cell, Cell, Cell, Cell, Cell];
  return (
    cellEdge(north.latitudeIndex + 1, LATITUDE_MAX, steps) < bounds.north ||
    cellEdge(south.latitudeIndex, LATITUDE_MAX, steps) > bounds.south ||
    cellEdge(east.longitudeIndex + 1, LONGITUDE_MAX, steps) < bounds.east ||
    cellEdge(west.longitudeIndex, LONGITUDE_MAX, steps) > bounds.west
  );
}

/** Leaves out the neighbours on the sides where the cell of the centre reaches beyond the bounds itself. */
function leaveOut(cells: readonly Cell[], steps: number, bounds: Bounds): void {
  const { longitudeIndex, latitudeIndex } = cells[0]!;
  const isSouthOut = cellEdge(latitudeIndex, LATITUDE_MAX, steps) < bounds.south;
  const isNorthOut = cellEdge(latitudeIndex + 1, LATITUDE_MAX, steps) > bounds.north;
  const isWestOut = cellEdge(longitudeIndex, LONGITUDE_MAX, steps) < bounds.west;
  const isEastOut = cellEdge(longitudeIndex + 1, LONGITUDE_MAX, steps) > bounds.east;
  for (const [index, [east, north]] of DIRECTIONS.entries()) {
    cells[index]!.isLeftOut =
      (north < 0 && isSouthOut) ||
      (north > 0 && isNorthOut) ||
      (east < 0 && isWestOut) ||
      (east > 0 && isEastOut);
  }
}

const scratchRange = new ScoreRange();
const scratchSpan = new RankSpan();
const scratchWalk = new SortedSetWalk();
const scratchPlace = { longitude: 0, latitude: 0 };

/** Adds to `found` the places of a sorted set that are in the shape; with a `limit` it ends when there are so many. */
export function searchPlaces(
  shard: Shard,
  record: number,
  shape: SearchShape,
  limit: number,
  found: PlaceList,
): void {
  const { unitMetres, latitude } = shape;
  const halfWidth = shape.width / 2;
  const halfHeight = shape.height / 2;
  const radius = shape.isBox ? Math.sqrt(halfWidth * halfWidth + halfHeight * halfHeight) : shape.radius;
  let steps = stepsFor(radius * unitMetres, latitude);
  const bounds = boundsOf(shape);
  let cells = cellsAround(shape, steps);
  if (steps > 1 && isCutShort(cells, steps, bounds)) {
    steps--;
    cells = cellsAround(shape, steps);
  }
  if (steps >= 2) leaveOut(cells, steps, bounds);
  searchCells(shard, record, shape, cells, steps, limit, found);
}

function searchCells(
  shard: Shard,
  record: number,
  shape: SearchShape,
  cells: readonly Cell[],
  steps: number,
  limit: number,
  found: PlaceList,
): void {
  const size = 4 ** (STEPS_MAX - steps);
  let last = -1;
  for (const [index, cell] of cells.entries()) {
    if (cell.isLeftOut) continue;
    const number = cellNumber(cell.longitudeIndex, cell.latitudeIndex);
    // Redis: of a small map neighbours are the same; they follow each other, but for the centre, which is none of them.
    if (number === last) continue;
    if (limit > 0 && found.count >= limit) return;
    scratchRange.min = number * size;
    scratchRange.max = (number + 1) * size;
    scratchRange.maxExclusive = true;
    spanOfScores(shard, record, scratchRange, scratchSpan);
    scratchWalk.begin(shard, record, scratchSpan.first, scratchSpan.count, false);
    if (shape.isBox) takeFromBox(shape, limit, found);
    else takeFromCircle(shape, limit, found);
    if (index > 0) last = number;
  }
}

/** Takes what `scratchWalk` comes to if it is in the circle. Hot. */
function takeFromCircle(shape: SearchShape, limit: number, found: PlaceList): void {
  const { longitude, latitude } = shape;
  const metresMax = shape.radius * shape.unitMetres;
  const degreesMax = arcDegrees(metresMax + SLACK_METRES);
  const place = scratchPlace;
  while (scratchWalk.next()) {
    const { score } = scratchWalk;
    decodePlace(score, place);
    // As far to the north or the south alone: most of what is not in the circle needs no sine.
    const northward = place.latitude - latitude;
    if (northward > degreesMax || northward < -degreesMax) continue;
    const metres = distance(longitude, latitude, place.longitude, place.latitude);
    if (metres > metresMax) continue;
    found.add(score, place.longitude, place.latitude, metres, scratchWalk.text);
    if (limit > 0 && found.count >= limit) return;
  }
}

/** `takeFromCircle` for a box. */
function takeFromBox(shape: SearchShape, limit: number, found: PlaceList): void {
  const { longitude, latitude, unitMetres } = shape;
  const widthMax = (shape.width * unitMetres) / 2;
  const heightMax = (shape.height * unitMetres) / 2;
  const place = scratchPlace;
  while (scratchWalk.next()) {
    const { score } = scratchWalk;
    decodePlace(score, place);
    const { longitude: x, latitude: y } = place;
    if (distance(x, y, longitude, y) > widthMax || distance(x, y, x, latitude) > heightMax) continue;
    found.add(score, x, y, distance(longitude, latitude, x, y), scratchWalk.text);
    if (limit > 0 && found.count >= limit) return;
  }
}
