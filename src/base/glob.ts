/** Glob matching as KEYS, SCAN, PSUBSCRIBE and CONFIG GET do it: * ? [abc] [^abc] [a-z] and \ to escape.
 *  When a match fails only the last '*' is tried again one byte later: every other element takes exactly one byte,
 *  so an earlier star can never do better. O(pattern × text) at worst, no recursion, no allocation. */

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const BACKSLASH = 0x5c;
const DASH = 0x2d;

/** True if the pattern's bytes match the whole of the text's bytes. `ignoreCase` folds ASCII letters only. */
export function globMatch(
  pattern: Uint8Array,
  patternStart: number,
  patternEnd: number,
  text: Uint8Array,
  textStart: number,
  textEnd: number,
  ignoreCase: boolean,
): boolean {
  let patternAt = patternStart;
  let textAt = textStart;
  let retryPatternAt = -1;
  let retryTextAt = 0;
  // Redis: an empty text matches only an empty pattern, not even "**".
  if (textAt === textEnd) return patternAt === patternEnd;
  while (textAt < textEnd) {
    if (patternAt < patternEnd && pattern[patternAt]! === STAR) {
      retryPatternAt = ++patternAt;
      retryTextAt = textAt;
    } else if (
      patternAt < patternEnd &&
      elementMatches(pattern, patternAt, patternEnd, text[textAt]!, ignoreCase)
    ) {
      patternAt = elementEnd(pattern, patternAt, patternEnd);
      textAt++;
    } else {
      if (retryPatternAt < 0) return false;
      if (retryPatternAt === patternEnd) return true;
      patternAt = retryPatternAt;
      textAt = ++retryTextAt;
    }
  }
  while (patternAt < patternEnd && pattern[patternAt]! === STAR) patternAt++;
  return patternAt === patternEnd;
}

/** Whether the one-byte element (anything but a star) that begins at `at` accepts `byte`. */
function elementMatches(
  pattern: Uint8Array,
  at: number,
  end: number,
  byte: number,
  ignoreCase: boolean,
): boolean {
  let expected = pattern[at]!;
  if (expected === QUESTION) return true;
  if (expected === OPEN) return classMatches(pattern, at + 1, end, byte, ignoreCase);
  // Redis: a backslash that ends the pattern stands for itself.
  if (expected === BACKSLASH && at + 1 < end) expected = pattern[at + 1]!;
  return ignoreCase ? lower(expected) === lower(byte) : expected === byte;
}

/** The position after the one-byte element that begins at `at`. */
function elementEnd(pattern: Uint8Array, at: number, end: number): number {
  const first = pattern[at]!;
  if (first === BACKSLASH) return at + 1 < end ? at + 2 : at + 1;
  return first === OPEN ? classEnd(pattern, at + 1, end) : at + 1;
}

/** Whether a class accepts `byte`; `at` is just after the '['. Redis: a class that is not closed ends with the
 *  pattern, an escaped member is compared with its case, and bounds are signed bytes in either order. */
function classMatches(
  pattern: Uint8Array,
  at: number,
  end: number,
  byte: number,
  ignoreCase: boolean,
): boolean {
  const negated = at < end && pattern[at]! === CARET;
  if (negated) at++;
  const folded = ignoreCase ? lower(byte) : byte;
  let matched = false;
  while (at < end && pattern[at]! !== CLOSE) {
    const member = pattern[at]!;
    if (member === BACKSLASH && at + 1 < end) matched ||= pattern[at + 1]! === byte;
    else if (isRange(pattern, at, end))
      matched ||= rangeMatches(member, pattern[at + 2]!, folded, ignoreCase);
    else matched ||= (ignoreCase ? lower(member) : member) === folded;
    at = memberEnd(pattern, at, end);
  }
  return matched !== negated;
}

function classEnd(pattern: Uint8Array, at: number, end: number): number {
  if (at < end && pattern[at]! === CARET) at++;
  while (at < end && pattern[at]! !== CLOSE) at = memberEnd(pattern, at, end);
  return at < end ? at + 1 : at;
}

function memberEnd(pattern: Uint8Array, at: number, end: number): number {
  if (pattern[at]! === BACKSLASH && at + 1 < end) return at + 2;
  return isRange(pattern, at, end) ? at + 3 : at + 1;
}

function isRange(pattern: Uint8Array, at: number, end: number): boolean {
  return at + 2 < end && pattern[at + 1]! === DASH;
}

function rangeMatches(from: number, to: number, byte: number, ignoreCase: boolean): boolean {
  let low = Math.min(signed(from), signed(to));
  let high = Math.max(signed(from), signed(to));
  if (ignoreCase) {
    low = lower(low);
    high = lower(high);
  }
  const value = signed(byte);
  return value >= low && value <= high;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}
