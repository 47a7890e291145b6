/**
 * Geohashes of 52 bits: a place on the earth as the number of its cell, the bits of longitude and latitude taken in turn
 * so that cells which are near have numbers which are near. Every sum is made in the order in which Redis makes it, for
 * replies show their last digits. Latitudes end where the map of Mercator is a square.
 */

export const LONGITUDE_MAX = 180;
export const LATITUDE_MAX = 85.05112878;
/** Bits per coordinate of a place that is kept. */
export const STEPS_MAX = 26;
const CELLS = 2 ** STEPS_MAX;
const TWO_32 = 2 ** 32;
const EARTH_RADIUS = 6372797.560856;
const DEGREE = Math.PI / 180;
const DIGITS = '0123456789bcdefghjkmnpqrstuvwxyz';
const DIGIT_COUNT = 11;

/** A place in degrees, as `decodePlace` leaves it. */
export interface Place {
  longitude: number;
  latitude: number;
}

export function radians(degrees: number): number {
  return degrees * DEGREE;
}

export function degrees(angle: number): number {
  return angle / DEGREE;
}

/** The angle, in degrees, of a great circle's arc in metres. */
export function arcDegrees(metres: number): number {
  return degrees(metres / EARTH_RADIUS);
}

/** The degrees of longitude that so many metres are at a latitude. */
export function longitudeDegrees(metres: number, latitude: number): number {
  return degrees(metres / EARTH_RADIUS / Math.cos(radians(latitude)));
}

/** 16 bits at the even places of 32. */
function spread(bits: number): number {
  let x = (bits | (bits << 8)) & 0x00ff00ff;
  x = (x | (x << 4)) & 0x0f0f0f0f;
  x = (x | (x << 2)) & 0x33333333;
  return (x | (x << 1)) & 0x55555555;
}

/** The bits at the even places. */
function squash(bits: number): number {
  let x = bits & 0x55555555;
  x = (x | (x >>> 1)) & 0x33333333;
  x = (x | (x >>> 2)) & 0x0f0f0f0f;
  x = (x | (x >>> 4)) & 0x00ff00ff;
  return (x | (x >>> 8)) & 0xffff;
}

/** Which of `2 ** steps` cells a coordinate is in; the upper end of the range is in one behind the last. */
export function cellIndex(value: number, limit: number, steps: number): number {
  return Math.trunc(((value + limit) / (limit + limit)) * 2 ** steps);
}

/** The upper and the lower half of a cell's number. */
function upperHalf(longitude: number, latitude: number): number {
  return (spread(latitude >>> 16) | (spread(longitude >>> 16) << 1)) >>> 0;
}

function lowerHalf(longitude: number, latitude: number): number {
  return (spread(latitude & 0xffff) | (spread(longitude & 0xffff) << 1)) >>> 0;
}

/** The number of the cell with these indexes. */
export function cellNumber(longitudeIndex: number, latitudeIndex: number): number {
  return upperHalf(longitudeIndex, latitudeIndex) * TWO_32 + lowerHalf(longitudeIndex, latitudeIndex);
}

/** The number under which a place is kept. */
export function encodePlace(longitude: number, latitude: number): number {
  const longitudeIndex = cellIndex(longitude, LONGITUDE_MAX, STEPS_MAX);
  return cellNumber(longitudeIndex, cellIndex(latitude, LATITUDE_MAX, STEPS_MAX));
}

/** The lower end of a cell; that of the next one is its upper end. */
export function cellEdge(index: number, limit: number, steps: number): number {
  return -limit + (index / 2 ** steps) * (limit + limit);
}

/** Sets `into` to the middle of the cell whose number is `score`. Hot. Any double is taken, as C converts it to an integer. */
export function decodePlace(score: number, into: Place): void {
  const whole = Math.trunc(score);
  let hi: number;
  let lo: number;
  if (whole >= 0 && whole < TWO_32 * TWO_32) {
    hi = Math.floor(whole / TWO_32) | 0;
    lo = whole | 0;
  } else if (whole >= -TWO_32 * (TWO_32 / 2) && whole < 0) {
    hi = Math.floor(whole / TWO_32) | 0;
    lo = whole | 0;
  } else {
    hi = whole < 0 ? 0x80000000 | 0 : 0;
    lo = 0;
  }
  const latitudeIndex = (squash(lo) | (squash(hi) << 16)) >>> 0;
  const longitudeIndex = (squash(lo >>> 1) | (squash(hi >>> 1) << 16)) >>> 0;
  into.longitude = middle(longitudeIndex, LONGITUDE_MAX);
  into.latitude = middle(latitudeIndex, LATITUDE_MAX);
}

function middle(index: number, limit: number): number {
  const scale = limit + limit;
  const low = -limit + (index / CELLS) * scale;
  const high = -limit + (((index + 1) >>> 0) / CELLS) * scale;
  const value = (low + high) / 2;
  return value > limit ? limit : value < -limit ? -limit : value;
}

/** Metres between two places along a great circle (haversine). */
export function distance(
  longitudeA: number,
  latitudeA: number,
  longitudeB: number,
  latitudeB: number,
): number {
  const a = latitudeA * DEGREE;
  const b = latitudeB * DEGREE;
  const u = Math.sin((b - a) / 2);
  const v = Math.sin((longitudeB * DEGREE - longitudeA * DEGREE) / 2);
  return 2 * EARTH_RADIUS * Math.asin(Math.sqrt(u * u + Math.cos(a) * Math.cos(b) * v * v));
}

/** The geohash that everybody else writes, of 11 digits: latitudes go to the poles there. Redis: the last one is 0. */
export function geohashText({ longitude, latitude }: Place): string {
  const longitudeIndex = cellIndex(longitude, LONGITUDE_MAX, STEPS_MAX);
  const latitudeIndex = cellIndex(latitude, 90, STEPS_MAX);
  const hi = upperHalf(longitudeIndex, latitudeIndex);
  const lo = lowerHalf(longitudeIndex, latitudeIndex);
  let text = '';
  for (let i = 1; i < DIGIT_COUNT; i++) {
    const shift = STEPS_MAX * 2 - i * 5;
    const digit = shift >= 32 ? hi >>> (shift - 32) : (hi << (32 - shift)) | (lo >>> shift);
    text += DIGITS[digit & 31]!;
  }
  return `${text}0`;
}
