/** Bytes written one after the other by the libraries: one growing buffer, used by one call at a time. */

const BYTES = 4096;
/** More than the machine could take. */
const BYTES_MAX = 512 << 20;
const KEPT_BYTES = 1 << 20;

export class ByteSink {
  u8: Buffer = Buffer.allocUnsafeSlow(BYTES);
  at = 0;

  /** Makes room. False: it would be more than a machine can hold. */
  ensure(byteCount: number): boolean {
    const wanted = this.at + byteCount;
    if (wanted <= this.u8.length) return true;
    if (wanted > BYTES_MAX) return false;
    const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(wanted, this.u8.length * 2), BYTES_MAX));
    this.u8.copy(larger, 0, 0, this.at);
    this.u8 = larger;
    return true;
  }

  byte(value: number): void {
    this.u8[this.at++] = value;
  }

  /** What was written; valid until the next use. */
  content(): Buffer {
    return this.u8.subarray(0, this.at);
  }

  clear(): void {
    this.at = 0;
    if (this.u8.length > KEPT_BYTES) this.u8 = Buffer.allocUnsafeSlow(BYTES);
  }
}
