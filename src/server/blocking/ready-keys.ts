/** Keys that got something for which clients may be waiting, in the order in which they did: first in, first out. */
import { Bytes, copyBytes, equalBytes } from '../../base/bytes.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';

const TEXT_BYTES = 1024;

/** Keeps copies of the keys' text: where a command has found it may be freed before anybody is served. */
export class ReadyKeys {
  private text = Bytes.allocate(TEXT_BYTES);
  private textEnd = 0;
  /** Of each key its place in `text`, length, hash and physical database. */
  private readonly fields: number[] = [];
  private next = 0;
  /** Where in `fields` the key of a hash stands that has not been taken yet. */
  private readonly places = new Map<number, number>();

  get isEmpty(): boolean {
    return this.next === this.fields.length;
  }

  /** Adds a key unless it is there and has not been taken yet. */
  add(key: Key): void {
    const { fields } = this;
    const place = this.places.get(key.hash);
    if (place !== undefined && this.isAt(place, key)) return;
    const { byteCount } = key;
    this.makeRoom(byteCount);
    copyBytes(key.bytes, key.at, this.text, this.textEnd, byteCount);
    // Of two keys of one hash the later takes the place: the other may then come twice, which is a look in vain.
    this.places.set(key.hash, fields.length);
    fields.push(this.textEnd, byteCount, key.hash, key.database);
    this.textEnd += byteCount;
  }

  /** Points `key` at the oldest that has not been taken. False: there is none. What it points at lasts until `clear`. */
  take(keyspace: Keyspace, key: Key): boolean {
    if (this.isEmpty) return false;
    const { fields, next } = this;
    const hash = fields[next + 2]!;
    if (this.places.get(hash) === next) this.places.delete(hash);
    keyspace.locateHashed(key, this.text, fields[next]!, fields[next + 1]!, fields[next + 3]!, hash);
    this.next += 4;
    return true;
  }

  /** Forgets all of them. */
  clear(): void {
    this.fields.length = 0;
    this.next = 0;
    this.textEnd = 0;
    this.places.clear();
    if (this.text.u8.length > TEXT_BYTES) this.text = Bytes.allocate(TEXT_BYTES);
  }

  private isAt(place: number, key: Key): boolean {
    const { fields } = this;
    if (fields[place + 1] !== key.byteCount || fields[place + 3] !== key.database) return false;
    return equalBytes(this.text, fields[place]!, key.bytes, key.at, key.byteCount);
  }

  /** A larger buffer takes the place of the old one, which stays as it is for whom points at it. */
  private makeRoom(byteCount: number): void {
    const wanted = this.textEnd + byteCount;
    if (wanted <= this.text.u8.length) return;
    const larger = Bytes.allocate(wanted * 2);
    copyBytes(this.text, 0, larger, 0, this.textEnd);
    this.text = larger;
  }
}
