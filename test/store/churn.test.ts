/**
 * An hour's worth of changing sizes, squeezed: the data set is replaced again and again by values of other sizes while
 * memory is at its limit. Pages in use, and free ones not given back, must stay near what the blocks take. CHURN_MIB
 * makes it larger (and longer); below about 32 the slabs of all size classes that are partly filled are what counts.
 */
import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { GiveBack, openAdvise } from '../../src/memory/give-back.ts';
import { Header, PAGE_BYTES, type Shard } from '../../src/memory/shard.ts';
import { defragmentSlice, fragmentedBytes, slice } from '../../src/store/defragment.ts';
import { Key } from '../../src/store/key.ts';
import { Prng } from '../support/prng.ts';
import { freshSeed } from '../support/seed.ts';
import { TestServer } from '../support/test-server.ts';

const LIMIT_BYTES = Number(process.env['CHURN_MIB'] ?? 32) << 20;
const FRAGMENTATION_MAX = 1.25;
/** What the duty looks at for so many writes or bytes written: a small part of what it may within an hour. */
const SLICE_ENTRIES = 1000;
const SLICE_WRITES = 100;
const SLICE_BYTES = 65_536;
const KEY_BYTES = 8;

type Size = (random: Prng) => number;
const between =
  (least: number, most: number): Size =>
  (random) =>
    least + random.below(most - least);
const spread =
  (least: number, most: number): Size =>
  (random) =>
    Math.floor(least * (most / least) ** (random.next32() / 2 ** 32));

const PHASES: readonly [name: string, size: Size][] = [
  ['10 to 100', between(10, 100)],
  ['100 to 1000', between(100, 1000)],
  ['150', () => 150],
  ['300', () => 300],
  ['10 to 2000, each power as often', spread(10, 2000)],
  ['64', () => 64],
];

function residentShare({ words, usedBytes }: Shard): number {
  return ((words[Header.HeldPages]! + words[Header.DirtyPages]!) * PAGE_BYTES) / usedBytes;
}

class Churn {
  readonly server = new TestServer({
    shardCount: 1,
    shardBytes: LIMIT_BYTES * 8,
    settings: { maxmemory: `${LIMIT_BYTES}`, 'maxmemory-policy': 'allkeys-lru' },
  });
  readonly shard = this.server.engine.keyspace.shards[0]!;
  private readonly giveBack = new GiveBack([this.shard], openAdvise());
  private readonly key = new Key(this.shard);
  private readonly moved = new Key(this.shard);
  private readonly name = Bytes.allocate(KEY_BYTES);
  private readonly value = Bytes.allocate(65_536);
  private cursor = 0;

  constructor(
    private readonly random: Prng,
    private readonly isDefragmenting: boolean,
  ) {}

  /** Replaces about all of the data by values of other sizes. Returns the share of resident memory at its end. */
  run(size: Size): number {
    const { keyspace } = this.server.engine;
    keyspace.setTime(Date.now());
    let writes = 0;
    let pendingBytes = 0;
    for (let written = 0; written < LIMIT_BYTES * 1.5;) {
      const byteCount = size(this.random);
      this.write(byteCount);
      written += byteCount + 40;
      pendingBytes += byteCount;
      if (++writes % SLICE_WRITES !== 0 && pendingBytes < SLICE_BYTES) continue;
      pendingBytes = 0;
      this.defragment();
    }
    while (this.giveBack.giveBackRun(this.shard) > 0);
    return residentShare(this.shard);
  }

  private write(byteCount: number): void {
    const { keyspace, eviction } = this.server.engine;
    this.name.u8.writeUInt32LE(this.random.next32(), 0);
    eviction.guard.admit(byteCount + KEY_BYTES);
    keyspace.locate(this.key, this.name, 0, KEY_BYTES, 0);
    keyspace.putString(this.key, this.value, 0, byteCount, 0);
  }

  private defragment(): void {
    const { shard } = this;
    if (!this.isDefragmenting || fragmentedBytes(shard) < shard.usedBytes / 10) return;
    defragmentSlice(this.server.engine.keyspace, shard, this.cursor, SLICE_ENTRIES, this.moved);
    this.cursor = slice.nextHash;
  }
}

describe('churn', () => {
  test('keeps resident memory near the data while sizes change', () => {
    const churn = new Churn(new Prng(freshSeed('churn')), true);
    for (const [name, size] of PHASES) {
      const share = churn.run(size);
      console.log(`${name}: ${share.toFixed(3)}`);
      expect({ name, isTooMuch: share > FRAGMENTATION_MAX }).toEqual({ name, isTooMuch: false });
      expect(churn.shard.usedBytes).toBeLessThanOrEqual(LIMIT_BYTES);
    }
    churn.server.verify();
  }, 300_000);

  test('would not without defragmentation', () => {
    const churn = new Churn(new Prng(1), false);
    const shares = PHASES.slice(0, 3).map(([, size]) => churn.run(size));
    expect(Math.max(...shares)).toBeGreaterThan(1.5);
  }, 300_000);
});
