/** Outcomes of the store's operations. Never thrown, never text: commands choose the words. */
export const enum Status {
  Ok = 0,
  /** The shard has no room; nothing was changed. */
  OutOfMemory = 1,
  /** There is no such key. */
  Missing = 2,
}
