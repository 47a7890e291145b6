/** Splits a line into arguments with the shell-like quoting of Redis: inline commands and redis.conf.
 *  "…" knows \n \r \t \b \a \xHH and escapes any other byte as itself; '…' knows only \'. A quote may open in the
 *  middle of an argument, but after a closing one must come white space or the end. */

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const LETTER_X = 0x78;

/** What follows a backslash within double quotes, where it does not stand for itself. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x6e, LINE_FEED],
  [0x72, CARRIAGE_RETURN],
  [0x74, TAB],
  [0x62, 0x08],
  [0x61, 0x07],
]);

/** The arguments of a line as fresh byte arrays; null for unbalanced quotes. A string is taken as UTF-8.
 *  Redis: a NUL byte ends the line. */
export function splitArguments(line: Uint8Array | string): Uint8Array[] | null {
  const bytes = typeof line === 'string' ? new TextEncoder().encode(line) : line;
  const nulAt = bytes.indexOf(0);
  return new ArgumentSplitter(nulAt < 0 ? bytes : bytes.subarray(0, nulAt)).split();
}

/** One pass over a line. No argument is longer than the line, so one scratch buffer serves them all. */
class ArgumentSplitter {
  private at = 0;
  private argumentBytes = 0;
  private readonly argument: Uint8Array;

  constructor(private readonly line: Uint8Array) {
    this.argument = new Uint8Array(line.length);
  }

  split(): Uint8Array[] | null {
    const found: Uint8Array[] = [];
    while (this.skipSpace()) {
      this.argumentBytes = 0;
      if (!this.takeArgument()) return null;
      found.push(this.argument.slice(0, this.argumentBytes));
    }
    return found;
  }

  /** True if an argument begins after the white space. */
  private skipSpace(): boolean {
    while (this.at < this.line.length && isSpace(this.line[this.at]!)) this.at++;
    return this.at < this.line.length;
  }

  /** False for unbalanced quotes. */
  private takeArgument(): boolean {
    while (this.at < this.line.length) {
      const byte = this.line[this.at++]!;
      if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) return this.takeQuoted(byte) && this.isQuoteEnd();
      if (endsBareWord(byte)) return true;
      this.append(byte);
    }
    return true;
  }

  /** Takes bytes up to and with the closing quote; false if there is none. */
  private takeQuoted(quote: number): boolean {
    while (this.at < this.line.length) {
      const byte = this.line[this.at++]!;
      if (byte === quote) return true;
      if (byte !== BACKSLASH || this.at === this.line.length) this.append(byte);
      else if (quote === DOUBLE_QUOTE) this.takeEscape();
      else this.append(this.line[this.at]! === SINGLE_QUOTE ? this.line[this.at++]! : BACKSLASH);
    }
    return false;
  }

  /** The position is just after a backslash within double quotes, and not at the end. */
  private takeEscape(): void {
    const byte = this.line[this.at++]!;
    const high = hexDigit(this.line[this.at]);
    const low = hexDigit(this.line[this.at + 1]);
    if (byte === LETTER_X && high >= 0 && low >= 0) {
      this.append(high * 16 + low);
      this.at += 2;
    } else {
      this.append(ESCAPES.get(byte) ?? byte);
    }
  }

  private isQuoteEnd(): boolean {
    return this.at === this.line.length || isSpace(this.line[this.at]!);
  }

  private append(byte: number): void {
    this.argument[this.argumentBytes++] = byte;
  }
}

/** C's isspace: tab, line feed, vertical tab, form feed, carriage return, space. */
function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CARRIAGE_RETURN);
}

/** Redis: a vertical tab or form feed separates arguments but does not end a bare one. */
function endsBareWord(byte: number): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}

/** -1 if it is not a hexadecimal digit. */
function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
