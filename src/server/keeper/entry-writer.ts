/** Records of a snapshot on their way into the RDB format, each in the logical database it was in at the moment. */
import type { SaveBoard } from '../../memory/save-board.ts';
import type { Shard } from '../../memory/shard.ts';
import { type RdbFileOptions, RdbFileWriter } from '../../persist/rdb/file-writer.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { recordBytes, recordDatabase } from '../../store/record.ts';

/** Compressing takes 7 ns a byte: of larger values others would have to wait too long for the lock. */
const COMPRESSED_BYTES_MAX = 1 << 20;

export class EntryWriter {
  readonly rdb: RdbFileWriter;
  private readonly keyspace: Keyspace;
  private readonly board: SaveBoard;
  private readonly isCompressing: boolean;

  constructor(keyspace: Keyspace, board: SaveBoard, options: RdbFileOptions) {
    this.keyspace = keyspace;
    this.board = board;
    this.isCompressing = options.isCompressing;
    // Whoever writes the file sums it.
    this.rdb = new RdbFileWriter({ ...options, isSumming: false });
  }

  /** Bytes written and not taken. */
  get byteCount(): number {
    return this.rdb.out.buffer.length;
  }

  write(shard: Shard, record: number): void {
    const { rdb } = this;
    rdb.selectDatabase(this.board.logicalDatabase(recordDatabase(shard, record)));
    rdb.entry(shard, record, this.keyspace.accessClock);
  }

  /** `write` for who holds the lock of the record's shard. */
  writeUnderLock(shard: Shard, record: number): void {
    const { out } = this.rdb;
    out.isCompressing = this.isCompressing && recordBytes(shard, record) <= COMPRESSED_BYTES_MAX;
    this.write(shard, record);
    out.isCompressing = this.isCompressing;
  }
}
