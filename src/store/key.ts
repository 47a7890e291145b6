/** A key being looked for: where its bytes lie, which shard it hashes to, and where it was found. */
import type { Bytes } from '../base/bytes.ts';
import type { Shard } from '../memory/shard.ts';

/**
 * Filled by `Keyspace.locate`, then by every find. Reused for command after command, so that none is allocated on the
 * data path. `slot` and `record` are valid only until the next insertion or removal in the same shard.
 */
export class Key {
  shard: Shard;
  bytes: Bytes;
  at = 0;
  byteCount = 0;
  hash = 0;
  /** Physical database. */
  database = 0;
  /** Slot in the shard's table, as of the last find; 0 when it was not found. */
  slot = 0;
  /** Offset of the record, as of the last find; 0 when it was not found. */
  record = 0;

  constructor(shard: Shard) {
    this.shard = shard;
    this.bytes = shard.bytes;
  }
}
