/** Up to which sizes collections are kept packed, with the meaning and the defaults that Redis' settings have. */
export class PackedLimits {
  /** Positive: entries per list node. -1 to -5: 4 to 64 KiB per node. */
  listNode = -2;
  hashEntries = 512;
  hashValueBytes = 64;
  integerSetEntries = 512;
  setEntries = 128;
  setValueBytes = 64;
  sortedSetEntries = 128;
  sortedSetValueBytes = 64;
  /** Bytes up to which a HyperLogLog is sparse. */
  hyperLogLogBytes = 3000;
  /** When a node of a stream is full: bytes, and entries; 0 is no limit. */
  streamNodeBytes = 4096;
  streamNodeEntries = 100;
}
