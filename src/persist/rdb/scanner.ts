/**
 * The first pass over an RDB file: splits it into parts without decoding them. Most of a file is entries; the scanner puts
 * as many whole ones as it has in memory into a part, steps over their bytes and says which database they are in, so that
 * any thread can load them (entry-loader.ts), from memory as they are now, or from the file by offset and length.
 *
 * Holds one window of the file, as large as the largest entry needs and WINDOW_BYTES at least. What is wrong with the file
 * is thrown as RdbError, with the byte where it is.
 */
import { Bytes } from '../../base/bytes.ts';
import { Crc64 } from '../../base/crc64.ts';
import { AUX_CLIENT_FLAGS, AUX_FIELD_EXPIRY, CHECKSUM_BYTES, Opcode, RDB_VERSION_MAX } from './format.ts';
import { RdbError } from './error.ts';
import { RdbInput, TextSlot } from './input.ts';
import { moduleName, skipModuleData, skipValue } from './value-skimmer.ts';

/** Reads up to `byteCount` bytes to `into[at...]`: how many, and 0 at the end of the file. */
export type ReadBytes = (into: Buffer, at: number, byteCount: number) => number;

/** What a part holds. */
export const enum Part {
  /** Entries, bytes [at, end) of `bytes`; the first are of `database`, and there may be choices of others among them. */
  Entries = 0,
  /** A fact about the file: `name` and `value`. */
  Aux = 1,
  /** A library of functions: `code`. */
  Library = 2,
  /** A hint how many keys are to come: `keyCount`, `expiryCount`. */
  Resize = 3,
  /** Something that was stepped over, as `value` says. */
  Warning = 4,
  /** The end; the checksum was right, or there is none. */
  End = 5,
  /** Inside the scanner: nothing to be told of. */
  None = 6,
}

export interface ScannerOptions {
  /** `rdbchecksum`: whether the checksum at the end is looked at. */
  readonly isSumming: boolean;
  readonly windowBytes?: number;
}

const WINDOW_BYTES = 1 << 22;
/** No entry is larger: it would not fit into a shard. */
const WINDOW_BYTES_MAX = 2 ** 31;
const HEADER_BYTES = 9;
/** From here on there is a checksum at the end. */
const VERSION_WITH_CHECKSUM = 5;
const PRODUCT = 'REDIS';
const OTHER_PRODUCT = 'VALKEY';
/** Versions of Valkey that say more than those of Redis. */
const OTHER_VERSION_MAX = 79;

export class RdbScanner {
  bytes: Bytes;
  at = 0;
  end = 0;
  database = 0;
  entryCount = 0;
  name = '';
  value = '';
  code: Buffer = Buffer.alloc(0);
  keyCount = 0;
  expiryCount = 0;
  version = 0;
  private readonly read: ReadBytes;
  private readonly isSumming: boolean;
  private readonly input: RdbInput;
  private readonly text = new TextSlot();
  private readonly crc = new Crc64();
  /** The window holds bytes [0, filled) from byte `base` of the file on; those before `summed` are in the checksum. */
  private filled = 0;
  private base = 0;
  private summed = 0;
  private isExhausted = false;
  /** Database of what is scanned now, which may be ahead of the part's. */
  private current = 0;

  constructor(read: ReadBytes, options: ScannerOptions) {
    this.read = read;
    this.isSumming = options.isSumming;
    this.bytes = Bytes.allocate(options.windowBytes ?? WINDOW_BYTES);
    this.input = new RdbInput(this.bytes);
  }

  /** Byte of the file at which the part begins, or, after Part.End, behind the whole. */
  get offset(): number {
    return this.base + this.at;
  }

  /** Bytes read from the file so far: for progress. */
  get bytesRead(): number {
    return this.base + this.filled;
  }

  /** What was read of the file behind its end. */
  get rest(): Buffer {
    return this.bytes.u8.subarray(this.at, this.filled);
  }

  /** Reads the header. Nothing else may come first. */
  begin(): void {
    this.fill();
    const { input } = this;
    this.aim(0);
    if (this.filled < HEADER_BYTES) input.fail('too short to be an RDB file', this.filled);
    const magic = this.bytes.u8.toString('latin1', 0, HEADER_BYTES);
    const isOther = magic.startsWith(OTHER_PRODUCT);
    if (!isOther && !magic.startsWith(PRODUCT)) input.fail('not an RDB file', 0);
    const digits = magic.slice(isOther ? OTHER_PRODUCT.length : PRODUCT.length);
    if (!/^\d+$/.test(digits)) input.fail('no version of the format', PRODUCT.length);
    this.version = Number(digits);
    const max = isOther ? OTHER_VERSION_MAX : RDB_VERSION_MAX;
    if (this.version < 1 || this.version > max) {
      input.fail(`version ${this.version} of the format, which cannot be read`, PRODUCT.length);
    }
    this.at = HEADER_BYTES;
    this.end = HEADER_BYTES;
  }

  private aim(at: number): void {
    this.input.open(this.bytes, at, this.filled, this.base);
  }

  /** Goes on to the next part, which is valid until the call after. Throws RdbError. */
  next(): Part {
    let at = this.end;
    if (at === this.filled) at = this.refill(at);
    for (;;) {
      try {
        return this.scan(at);
      } catch (error) {
        // The window ends in the middle: with more of the file in it, it may be right.
        if (!(error instanceof RdbError) || !error.isShort || this.isExhausted) throw error;
        at = this.refill(at);
      }
    }
  }

  /** Moves what begins at `at` to the front of the window, which is doubled if it is full, and reads on. */
  private refill(at: number): number {
    this.sum(at);
    const rest = this.filled - at;
    if (at === 0 && rest === this.bytes.u8.length) {
      if (rest >= WINDOW_BYTES_MAX)
        throw new RdbError(this.base, 'an entry that is too large for any server');
      const larger = Bytes.allocate(rest * 2);
      this.bytes.u8.copy(larger.u8, 0, 0, rest);
      this.bytes = larger;
    } else this.bytes.u8.copyWithin(0, at, this.filled);
    this.base += at;
    this.summed -= at;
    this.filled = rest;
    this.fill();
    return 0;
  }

  private fill(): void {
    const { u8 } = this.bytes;
    while (this.filled < u8.length && !this.isExhausted) {
      const byteCount = this.read(u8, this.filled, u8.length - this.filled);
      this.filled += byteCount;
      this.isExhausted = byteCount === 0;
    }
  }

  /** Brings the checksum up to `end`. */
  private sum(end: number): void {
    if (this.isSumming && this.version >= VERSION_WITH_CHECKSUM && end > this.summed) {
      this.crc.update(this.bytes.view, this.summed, end);
    }
    this.summed = Math.max(this.summed, end);
  }

  /** Scans from `at` on as many entries as the window holds whole, or one thing that is none. */
  private scan(at: number): Part {
    const { input } = this;
    this.aim(at);
    for (;;) {
      this.at = input.at;
      this.entryCount = 0;
      this.database = this.current;
      const end = this.scanEntries();
      if (this.entryCount > 0) {
        this.end = end;
        return Part.Entries;
      }
      input.at = end;
      const part = this.scanOther();
      if (part !== Part.None) return part;
    }
  }

  /** Steps over entries. Returns where they end: the window does, or something else comes, perhaps damage. */
  private scanEntries(): number {
    const { input } = this;
    for (;;) {
      const start = input.at;
      const before = this.current;
      if (this.entryCount > 0 && start === this.filled) return start;
      try {
        if (this.scanEntry()) continue;
      } catch (error) {
        this.current = before;
        // What comes before the damage is sound; the next call meets it again.
        if (this.entryCount > 0 && error instanceof RdbError) return start;
        throw error;
      }
      this.current = before;
      return start;
    }
  }

  /** Steps over one entry, and the choice of its database. False: what comes is none. */
  private scanEntry(): boolean {
    const { input } = this;
    for (;;) {
      const type = input.byte();
      switch (type) {
        case Opcode.ExpiryMs:
          input.skip(8);
          break;
        case Opcode.ExpirySeconds:
          input.skip(4);
          break;
        case Opcode.Idle:
        case Opcode.Frequency:
          if (type === Opcode.Idle) input.length();
          else input.skip(1);
          break;
        case Opcode.SelectDatabase:
          this.current = input.length();
          break;
        case Opcode.Aux:
          input.text(this.text);
          if (!isOwnAux(this.text.toString())) return false;
          input.skipText();
          break;
        default:
          if (type >= Opcode.KeyMeta) return false;
          input.skipText();
          skipValue(input, type);
          this.entryCount++;
          return true;
      }
    }
  }

  /** Reads something that is no entry; Part.None: it is nothing to be told of. */
  private scanOther(): Part {
    const { input } = this;
    const start = input.at;
    const opcode = input.byte();
    switch (opcode) {
      case Opcode.SelectDatabase:
        this.current = input.length();
        return Part.None;
      case Opcode.ResizeDatabase:
        this.keyCount = input.length();
        this.expiryCount = input.length();
        return this.other(Part.Resize);
      case Opcode.Aux:
        return this.aux();
      case Opcode.Function2:
        input.text(this.text);
        this.code = Buffer.from(
          this.text.bytes.u8.subarray(this.text.at, this.text.at + this.text.byteCount),
        );
        return this.other(Part.Library);
      case Opcode.SlotInfo:
        for (let i = 0; i < 3; i++) input.length();
        return Part.None;
      case Opcode.ModuleAux:
        return this.moduleAux();
      case Opcode.FunctionPreGa:
        return input.fail('functions in a form that only release candidates of Redis 7.0 had', start);
      case Opcode.KeyMeta:
        return input.fail('facts about keys that modules have written, which cannot be read', start);
      case Opcode.End:
        return this.finish();
      default:
        return input.fail(`unknown opcode ${opcode}`, start);
    }
  }

  private other(part: Part): Part {
    this.end = this.input.at;
    return part;
  }

  private aux(): Part {
    const { input, text } = this;
    input.text(text);
    this.name = text.toString();
    input.text(text);
    this.value = text.toString();
    return this.other(Part.Aux);
  }

  private moduleAux(): Part {
    const name = moduleName(this.input);
    // When it was written: before the keys, or behind them.
    this.input.length();
    this.input.length();
    skipModuleData(this.input);
    this.value = `what the module ${name} has written is passed over`;
    return this.other(Part.Warning);
  }

  private finish(): Part {
    const { input } = this;
    const bodyEnd = input.at;
    if (this.version >= VERSION_WITH_CHECKSUM) {
      input.need(CHECKSUM_BYTES);
      this.sum(bodyEnd);
      const lo = this.bytes.view.getInt32(bodyEnd, true);
      const hi = this.bytes.view.getInt32(bodyEnd + 4, true);
      const isWrong = lo !== this.crc.lo || hi !== this.crc.hi;
      if (this.isSumming && (lo | hi) !== 0 && isWrong) input.fail('a wrong checksum', bodyEnd);
      input.at += CHECKSUM_BYTES;
    }
    this.at = input.at;
    this.end = input.at;
    return Part.End;
  }
}

function isOwnAux(name: string): boolean {
  return name === AUX_FIELD_EXPIRY || name === AUX_CLIENT_FLAGS;
}
