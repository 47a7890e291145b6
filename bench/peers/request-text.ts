/** The text of requests with places for numbers in it, and the writing of numbers into their places. */

const DIGIT_ZERO = 48;
const PLACE = /<(new|same)(\d+)(?:\+(\d+))?>/g;

/** Text with places for numbers: `<new12>` draws a number and prints it with 12 digits, `<same12>` prints the last one
 *  again, `<same6+99>` prints it with 99 added. Numbers must have exactly so many digits where leading zeros do not do. */
export interface Request {
  readonly text: string;
  /** A good reply; null when its size varies. */
  readonly reply: string | null;
  /** First byte and line ends of a good reply whose size varies. */
  readonly replyStart?: string;
  readonly replyLines?: number;
}

/** One place for a number. */
export const enum Slot {
  At = 0,
  Digits = 1,
  Added = 2,
  /** 1: another number is drawn first. */
  IsNew = 3,
  Fields = 4,
}

/** A request of the Redis protocol; its parts may hold places for numbers. */
export function request(...parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.map(bulk).join('')}`;
}

export function bulk(text: string): string {
  return `$${filledLength(text)}\r\n${text}\r\n`;
}

/** Writes `value` with so many `digits` at `at`. Any value below 2^31. */
export function writeDigits(bytes: Uint8Array, at: number, digits: number, value: number): void {
  let rest = value | 0;
  for (let position = at + digits - 1; position >= at; position--) {
    const tenth = (rest / 10) | 0;
    bytes[position] = DIGIT_ZERO + rest - tenth * 10;
    rest = tenth;
  }
}

/** Puts zeros where numbers go, and tells where that is. */
export function fillPlaces(template: string): { text: string; slots: readonly number[] } {
  const slots: number[] = [];
  let text = '';
  let end = 0;
  for (const place of template.matchAll(PLACE)) {
    text += template.slice(end, place.index);
    const digits = Number(place[2]);
    slots.push(text.length, digits, Number(place[3] ?? 0), place[1] === 'new' ? 1 : 0);
    text += '0'.repeat(digits);
    end = place.index + place[0].length;
  }
  return { text: text + template.slice(end), slots };
}

/** Length of `template` with its numbers in place. */
function filledLength(template: string): number {
  return fillPlaces(template).text.length;
}
