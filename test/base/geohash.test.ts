import { expect, test } from 'bun:test';
import {
  cellEdge,
  cellIndex,
  decodePlace,
  distance,
  encodePlace,
  geohashText,
  LATITUDE_MAX,
  LONGITUDE_MAX,
} from '../../src/base/geohash.ts';
import { Prng } from '../support/prng.ts';

const place = { longitude: 0, latitude: 0 };

/** The definition: the bits of the two indexes in turn, longitude first. */
function reference(longitude: number, latitude: number): number {
  const indexes = [cellIndex(longitude, LONGITUDE_MAX, 26), cellIndex(latitude, LATITUDE_MAX, 26)];
  let number = 0;
  for (let i = 51; i >= 0; i--) number = number * 2 + ((indexes[(i + 1) % 2]! >> (i >> 1)) & 1);
  return number;
}

test('a place is kept as the number of its cell, and found in the middle of it', () => {
  const random = new Prng(3);
  for (let i = 0; i < 2000; i++) {
    const longitude = (random.below(2 ** 31) / 2 ** 31 - 0.5) * 2 * LONGITUDE_MAX;
    const latitude = (random.below(2 ** 31) / 2 ** 31 - 0.5) * 2 * LATITUDE_MAX;
    const number = encodePlace(longitude, latitude);
    expect(number).toBe(reference(longitude, latitude));
    decodePlace(number, place);
    expect(Math.abs(place.longitude - longitude)).toBeLessThan(181 / 2 ** 26);
    expect(Math.abs(place.latitude - latitude)).toBeLessThan(86 / 2 ** 26);
    expect(encodePlace(place.longitude, place.latitude)).toBe(number);
  }
});

test('the edges of the map are on it', () => {
  for (const [longitude, latitude] of [
    [180, LATITUDE_MAX],
    [-180, -LATITUDE_MAX],
    [180, 0],
    [0, LATITUDE_MAX],
  ] as const) {
    decodePlace(encodePlace(longitude, latitude), place);
    expect(Math.abs(place.longitude)).toBeLessThanOrEqual(180);
    expect(Math.abs(place.latitude)).toBeLessThanOrEqual(LATITUDE_MAX);
  }
  expect(cellEdge(cellIndex(13.5, 180, 10), 180, 10)).toBeLessThanOrEqual(13.5);
  expect(cellEdge(cellIndex(13.5, 180, 10) + 1, 180, 10)).toBeGreaterThan(13.5);
});

test('numbers that are no cells decode to something on the map', () => {
  for (const score of [-1, -5.5, 1e17, 2 ** 63, 2 ** 64, 1e300, -1e300, Infinity, -Infinity]) {
    decodePlace(score, place);
    expect(Math.abs(place.longitude)).toBeLessThanOrEqual(180);
    expect(Math.abs(place.latitude)).toBeLessThanOrEqual(LATITUDE_MAX);
  }
});

test('distances and geohashes are those everybody knows', () => {
  expect(Math.round(distance(13.361389, 38.115556, 15.087269, 37.502669))).toBe(166274);
  decodePlace(encodePlace(13.361389, 38.115556), place);
  expect(geohashText(place)).toBe('sqc8b49rny0');
  decodePlace(encodePlace(15.087269, 37.502669), place);
  expect(geohashText(place)).toBe('sqdtr74hyu0');
});
