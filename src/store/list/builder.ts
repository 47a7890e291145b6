/**
 * Building a list apart from any key, from its first element to its last, to enter it as a whole: nobody sees it before it
 * is complete. It comes out packed or as a chain by the limits that are set.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  chainLength,
  chainNodes,
  createChain,
  freeChainSlice,
  placeNode,
  pushToChain,
} from '../../structures/list/chain.ts';
import { runBytes, runStart } from '../../structures/list/node.ts';
import { PACK_HEAD_BYTES, setPackCount } from '../../structures/list/pack.ts';
import { Element, encodeElement } from '../../structures/packed-entry.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { Encoding, ROOT_BYTES, valueAt, ValueType, writeRoot } from '../record.ts';
import { Status } from '../status.ts';
import { isTooLong } from './list.ts';

const scratchElement = new Element();

export class ListBuilder {
  private keyspace!: Keyspace;
  private shard!: Shard;
  private root = 0;

  begin(keyspace: Keyspace, shard: Shard): void {
    this.keyspace = keyspace;
    this.shard = shard;
    this.root = 0;
  }

  get count(): number {
    return this.root === 0 ? 0 : chainLength(this.shard, this.root);
  }

  /** Adds an element behind the last one. False: out of memory, and the list must be abandoned. */
  push(source: Bytes, at: number, byteCount: number): boolean {
    const { shard } = this;
    const limit = this.keyspace.packedLimits.listNode;
    encodeElement(scratchElement, source, at, byteCount);
    if (this.root !== 0) return pushToChain(shard, this.root, scratchElement, false, limit);
    this.root = createChain(shard, scratchElement, limit);
    return this.root !== 0;
  }

  /**
   * Lets the list, which must have elements, take the place of whatever `key` was; without an expiry. OutOfMemory: nothing
   * was changed, and the list must be abandoned.
   */
  finish(key: Key, flags: number): Status {
    const { keyspace, shard, root } = this;
    const node = chainNodes(shard, root) === 1 ? placeNode(shard, root, 0) : 0;
    const byteCount = node === 0 ? 0 : runBytes(shard, node);
    const count = chainLength(shard, root);
    const isPacked = node !== 0 && !isTooLong(keyspace, byteCount, 0, count);
    const encoding = isPacked ? Encoding.Packed : Encoding.Chain;
    const valueBytes = isPacked ? PACK_HEAD_BYTES + byteCount : ROOT_BYTES;
    const record = keyspace.prepareRecord(key, flags, ValueType.List, encoding, valueBytes);
    if (record === 0) return Status.OutOfMemory;
    const at = valueAt(shard, record);
    if (isPacked) {
      const start = runStart(shard, node);
      setPackCount(shard.bytes, at, count);
      shard.bytes.u8.copyWithin(at + PACK_HEAD_BYTES, start, start + byteCount);
    } else writeRoot(shard, record, root);
    if (keyspace.enterRecord(key, record) !== Status.Ok) return Status.OutOfMemory;
    if (isPacked) this.abandon();
    this.root = 0;
    return Status.Ok;
  }

  /** Frees what a list that is not to be entered has taken. */
  abandon(): void {
    if (this.root !== 0) freeChainSlice(this.shard, this.root, 0, Infinity);
    this.root = 0;
  }
}
