/** Searches over many places against looking at each of them. */
import { expect, test } from 'bun:test';
import { decodePlace, distance, encodePlace } from '../../../src/base/geohash.ts';
import { Bytes } from '../../../src/base/bytes.ts';
import { Key } from '../../../src/store/key.ts';
import { PlaceList, searchPlaces, SearchShape } from '../../../src/store/geo/search.ts';
import { putScore, When } from '../../../src/store/sorted-set/sorted-set.ts';
import { EntryText } from '../../../src/structures/packed-entry.ts';
import { chooseSeed } from '../../support/differential.ts';
import { Prng } from '../../support/prng.ts';
import { TestServer } from '../../support/test-server.ts';

const seed = chooseSeed();
const text = new EntryText();

function placesUnder(key: Key, server: TestServer, random: Prng, count: number): Map<string, number> {
  const scores = new Map<string, number>();
  const { keyspace } = server.engine;
  keyspace.find(key);
  for (let i = 0; i < count; i++) {
    const longitude = (random.below(1e6) / 1e6 - 0.5) * 358;
    const latitude = (random.below(1e6) / 1e6 - 0.5) * 168;
    const member = Bytes.fromText(`member:${i}`);
    const score = encodePlace(longitude, latitude);
    putScore(keyspace, key, member, 0, member.u8.length, score, When.Always);
    scores.set(`member:${i}`, score);
  }
  return scores;
}

test.each([100, 5000])('a search among %d places finds those that are near', (count) => {
  console.info(`seed ${seed} (set DIFFERENTIAL_SEED to run it again)`);
  const random = new Prng(seed + count);
  const server = new TestServer();
  const { keyspace } = server.engine;
  const name = Bytes.fromText('places');
  const key = new Key(keyspace.shards[0]!);
  keyspace.locate(key, name, 0, name.u8.length, 0);
  const scores = placesUnder(key, server, random, count);
  const found = new PlaceList();
  const place = { longitude: 0, latitude: 0 };
  for (let round = 0; round < 40; round++) {
    const shape = new SearchShape();
    shape.longitude = (random.below(1000) / 1000 - 0.5) * 160;
    // Nearer to the poles, and across the edge of the map, nine cells may miss what is near: as in Redis.
    shape.latitude = (random.below(1000) / 1000 - 0.5) * 80;
    shape.radius = 100 + random.below(2500);
    shape.unitMetres = 1000;
    found.clear();
    searchPlaces(key.shard, key.record, shape, 0, found);
    const names = new Set<string>();
    for (let i = 0; i < found.count; i++) {
      found.pointAt(i, text);
      names.add(text.toString());
    }
    expect(names.size).toBe(found.count);
    const wrong: string[] = [];
    for (const [member, score] of scores) {
      decodePlace(score, place);
      const metres = distance(shape.longitude, shape.latitude, place.longitude, place.latitude);
      if (names.has(member) !== metres <= shape.radius * 1000) wrong.push(member);
    }
    expect(wrong).toEqual([]);
    const order = [...found.order(false)].map((index) => found.distances[index]!);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  }
});
