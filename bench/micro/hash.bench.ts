/** Hashing keys where they lie, by length. */

import { Bytes } from '../../src/base/bytes.ts';
import { hashBytes } from '../../src/base/hash.ts';
import { Prng } from '../../test/support/prng.ts';
import { runVariants, type Prepare } from '../micro.ts';

const KEY_COUNT = 4096;
const STRIDE_BYTES = 128;
const hashKey = { k0: 0x01234567, k1: 0x89abcdef | 0 };

function hashKeys(byteCount: number): Prepare {
  return () => {
    const random = new Prng(1);
    const keys = Bytes.allocate(KEY_COUNT * STRIDE_BYTES);
    for (let i = 0; i < keys.u8.length; i++) keys.u8[i] = random.below(256);
    function run(): number {
      let mixed = 0;
      for (let i = 0; i < KEY_COUNT; i++)
        mixed ^= hashBytes(keys.view, i * STRIDE_BYTES, byteCount, hashKey, 0);
      return mixed;
    }
    return { run, operationCount: KEY_COUNT };
  };
}

await runVariants('hash', {
  '8 bytes': hashKeys(8),
  '15 bytes': hashKeys(15),
  '16 bytes': hashKeys(16),
  '32 bytes': hashKeys(32),
  '64 bytes': hashKeys(64),
});
