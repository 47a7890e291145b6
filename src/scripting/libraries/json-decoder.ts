/** cjson.decode: JSON text as a Lua value. It takes what Lua CJSON takes, which is somewhat more than JSON. */
import type { Lua } from '../lua.ts';
import { ByteSink } from './byte-sink.ts';
import type { JsonSettings } from './cjson.ts';

/** Kinds of tokens, by the names that error messages have for them. */
type Token =
  | 'T_OBJ_BEGIN'
  | 'T_OBJ_END'
  | 'T_ARR_BEGIN'
  | 'T_ARR_END'
  | 'T_STRING'
  | 'T_NUMBER'
  | 'T_BOOLEAN'
  | 'T_NULL'
  | 'T_COLON'
  | 'T_COMMA'
  | 'T_END'
  | 'T_ERROR';

const SYMBOLS: ReadonlyMap<number, Token> = new Map<number, Token>([
  [0x7b, 'T_OBJ_BEGIN'],
  [0x7d, 'T_OBJ_END'],
  [0x5b, 'T_ARR_BEGIN'],
  [0x5d, 'T_ARR_END'],
  [0x2c, 'T_COMMA'],
  [0x3a, 'T_COLON'],
  [0, 'T_END'],
]);
const ESCAPED: ReadonlyMap<number, number> = new Map([
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x2f, 0x2f],
  [0x62, 8],
  [0x74, 9],
  [0x6e, 10],
  [0x66, 12],
  [0x72, 13],
]);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** What strtod takes. */
const NUMBER =
  /[+-]?(?:0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)/iy;
const INVALID_NUMBER = /\+|-?(?:0x|0[0-9]|inf|nan)/iy;
const NUMBER_BYTES_MAX = 1024;

export class JsonDecoder {
  private readonly lua: Lua;
  private readonly settings: JsonSettings;
  private readonly sink = new ByteSink();
  /** The text: a copy, because the machine's memory may be replaced while we read. A zero stands behind it. */
  private text = Buffer.alloc(1);
  /** Where the text lies in the machine's memory. */
  private base = 0;
  private at = 0;
  private depth = 0;
  /** Of the last token: where it begins, and what it holds. */
  private tokenAt = 0;
  private tokenError = '';
  private number = 0;
  private boolean = false;
  private stringAt = 0;
  private stringBytes = 0;
  private isEscaped = false;

  constructor(lua: Lua, settings: JsonSettings) {
    this.lua = lua;
    this.settings = settings;
  }

  /** Pushes the value of the text on top. */
  decode(state: number): number {
    const { lua } = this;
    lua.checkString(state, 1, 'decode');
    this.base = lua.textAt;
    this.text = Buffer.allocUnsafe(lua.textBytes + 1);
    lua.bytes.u8.copy(this.text, 0, lua.textAt, lua.textAt + lua.textBytes);
    this.text[lua.textBytes] = 0;
    if (lua.textBytes >= 2 && (this.text[0] === 0 || this.text[1] === 0)) {
      lua.fail(state, 'JSON parser does not support UTF-16 or UTF-32');
    }
    this.at = 0;
    this.depth = 0;
    this.value(state, this.next());
    const end = this.next();
    if (end !== 'T_END') this.refuse(state, 'the end', end);
    this.text = Buffer.alloc(1);
    return 1;
  }

  private refuse(state: number, expected: string, token: Token): never {
    const found = token === 'T_ERROR' ? this.tokenError : token;
    this.lua.fail(state, `Expected ${expected} but found ${found} at character ${this.tokenAt + 1}`);
  }

  private broken(reason: string): Token {
    this.tokenAt = this.at;
    this.tokenError = reason;
    return 'T_ERROR';
  }

  private next(): Token {
    const { text } = this;
    let byte = text[this.at]!;
    while (byte === 32 || byte === 9 || byte === 10 || byte === 13) byte = text[++this.at]!;
    this.tokenAt = this.at;
    const symbol = SYMBOLS.get(byte);
    if (symbol !== undefined) {
      if (symbol !== 'T_END') this.at++;
      return symbol;
    }
    if (byte === QUOTE) return this.string();
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      if (this.settings.decodeInvalidNumbers === 0 && this.matches(INVALID_NUMBER)) {
        return this.broken('invalid number');
      }
      return this.readNumber();
    }
    return this.wordToken();
  }

  private wordToken(): Token {
    if (this.startsWith('true') || this.startsWith('false')) {
      this.boolean = this.startsWith('true');
      this.at += this.boolean ? 4 : 5;
      return 'T_BOOLEAN';
    }
    if (this.startsWith('null')) {
      this.at += 4;
      return 'T_NULL';
    }
    if (this.settings.decodeInvalidNumbers !== 0 && this.matches(INVALID_NUMBER)) return this.readNumber();
    return this.broken('invalid token');
  }

  private startsWith(word: string): boolean {
    return this.text.toString('latin1', this.at, this.at + word.length) === word;
  }

  private matches(pattern: RegExp): boolean {
    pattern.lastIndex = 0;
    return pattern.test(this.text.toString('latin1', this.at, this.at + 8));
  }

  private readNumber(): Token {
    const { text } = this;
    let end = this.at;
    let value = 0;
    for (; text[end]! >= ZERO && text[end]! <= NINE; end++) value = value * 10 + text[end]! - ZERO;
    const byte = text[end]! | 0x20;
    const isPlain =
      end > this.at && end - this.at < 16 && text[end] !== 0x2e && byte !== 0x65 && byte !== 0x78;
    if (isPlain) {
      this.number = value;
      this.at = end;
      return 'T_NUMBER';
    }
    NUMBER.lastIndex = 0;
    const found = NUMBER.exec(text.toString('latin1', this.at, Math.max(end, this.at) + NUMBER_BYTES_MAX));
    if (found === null) return this.broken('invalid number');
    this.number = parseNumber(found[0].toLowerCase());
    this.at += found[0].length;
    return 'T_NUMBER';
  }

  /** Reads a string: into `sink` when it has escapes, else it is where it lies. */
  private string(): Token {
    const { text, sink } = this;
    const start = ++this.at;
    let at = start;
    while (text[at] !== QUOTE && text[at] !== BACKSLASH && text[at] !== 0) at++;
    this.isEscaped = false;
    this.stringAt = start;
    if (text[at] === QUOTE) {
      this.stringBytes = at - start;
      this.at = at + 1;
      return 'T_STRING';
    }
    this.isEscaped = true;
    sink.clear();
    sink.ensure(text.length);
    text.copy(sink.u8, 0, start, at);
    sink.at = at - start;
    this.at = at;
    return this.escapedString();
  }

  private escapedString(): Token {
    const { text, sink } = this;
    for (;;) {
      const byte = text[this.at]!;
      if (byte === QUOTE) break;
      if (byte === 0) return this.broken('unexpected end of string');
      if (byte !== BACKSLASH) {
        sink.byte(byte);
        this.at++;
        continue;
      }
      const kind = text[this.at + 1]!;
      if (kind === LETTER_U) {
        if (!this.unicodeEscape()) return this.broken('invalid unicode escape code');
        continue;
      }
      const meant = ESCAPED.get(kind);
      if (meant === undefined) return this.broken('invalid escape code');
      sink.byte(meant);
      this.at += 2;
    }
    this.at++;
    return 'T_STRING';
  }

  private unicodeEscape(): boolean {
    const { text, sink, at } = this;
    let code = hex4(text, at + 2);
    if (code < 0) return false;
    let byteCount = 6;
    if ((code & 0xf800) === 0xd800) {
      if ((code & 0x400) !== 0) return false;
      if (text[at + 6] !== BACKSLASH || text[at + 7] !== LETTER_U) return false;
      const low = hex4(text, at + 8);
      if (low < 0 || (low & 0xfc00) !== 0xdc00) return false;
      code = ((code & 0x3ff) << 10) + (low & 0x3ff) + 0x10000;
      byteCount = 12;
    }
    sink.at += sink.u8.write(String.fromCodePoint(code), sink.at);
    this.at += byteCount;
    return true;
  }

  private pushString(state: number): void {
    if (this.isEscaped) this.lua.pushBytes(state, this.sink.content());
    else this.lua.x.lua_pushlstring(state, this.base + this.stringAt, this.stringBytes);
  }

  private value(state: number, token: Token): void {
    const { x } = this.lua;
    switch (token) {
      case 'T_STRING':
        return this.pushString(state);
      case 'T_NUMBER':
        return x.lua_pushnumber(state, this.number);
      case 'T_BOOLEAN':
        return x.lua_pushboolean(state, this.boolean ? 1 : 0);
      case 'T_OBJ_BEGIN':
        return this.object(state);
      case 'T_ARR_BEGIN':
        return this.array(state);
      case 'T_NULL':
        return x.lua_pushlightuserdata(state, 0);
      default:
        this.refuse(state, 'value', token);
    }
  }

  private descend(state: number): void {
    this.depth++;
    if (this.depth <= this.settings.decodeDepthMax && this.lua.x.lua_checkstack(state, 4) !== 0) return;
    this.lua.fail(state, `Found too many nested data structures (${this.depth}) at character ${this.at}`);
  }

  private object(state: number): void {
    const { x } = this.lua;
    this.descend(state);
    x.lua_createtable(state, 0, 0);
    let token = this.next();
    while (token !== 'T_OBJ_END') {
      if (token !== 'T_STRING') this.refuse(state, 'object key string', token);
      this.pushString(state);
      token = this.next();
      if (token !== 'T_COLON') this.refuse(state, 'colon', token);
      this.value(state, this.next());
      x.lua_rawset(state, -3);
      token = this.next();
      if (token === 'T_OBJ_END') break;
      if (token !== 'T_COMMA') this.refuse(state, 'comma or object end', token);
      token = this.next();
      if (token === 'T_OBJ_END') this.refuse(state, 'object key string', token);
    }
    this.depth--;
  }

  private array(state: number): void {
    const { x } = this.lua;
    this.descend(state);
    x.lua_createtable(state, 0, 0);
    let token = this.next();
    for (let i = 1; token !== 'T_ARR_END'; i++) {
      this.value(state, token);
      x.lua_rawseti(state, -2, i);
      token = this.next();
      if (token === 'T_ARR_END') break;
      if (token !== 'T_COMMA') this.refuse(state, 'comma or array end', token);
      token = this.next();
      if (token === 'T_ARR_END') this.refuse(state, 'value', token);
    }
    this.depth--;
  }
}

function hex4(text: Buffer, at: number): number {
  const digits = text.toString('latin1', at, at + 4);
  return /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : -1;
}

/** `text` is what NUMBER matches, in lower case. */
function parseNumber(text: string): number {
  const isNegative = text.startsWith('-');
  const digits = text.replace(/^[+-]/, '');
  if (digits.startsWith('nan')) return NaN;
  const value = digits.startsWith('inf')
    ? Infinity
    : digits.startsWith('0x')
      ? parseHex(digits.slice(2))
      : Number(digits);
  return isNegative ? -value : value;
}

function parseHex(digits: string): number {
  const [mantissa, exponent] = digits.split('p');
  const [whole, fraction] = mantissa!.split('.');
  let value = 0;
  for (const digit of whole!) value = value * 16 + Number.parseInt(digit, 16);
  let unit = 1;
  for (const digit of fraction ?? '') value += Number.parseInt(digit, 16) * (unit /= 16);
  return value * 2 ** Number(exponent ?? 0);
}
