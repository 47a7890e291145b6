/** The wall clock in microseconds. The system's own has milliseconds here, so the monotonic clock supplies the rest and
 *  is set anew whenever the two have come apart: when the time was changed, or by drift. */

/** The coarse clock alone accounts for one of these. */
const APART_MS_MAX = 2;

export class WallClock {
  private offsetMs = performance.timeOrigin;

  /** Unix time in microseconds. */
  nowUs(): number {
    const coarseMs = Date.now();
    const running = performance.now();
    if (Math.abs(coarseMs - (running + this.offsetMs)) > APART_MS_MAX) this.offsetMs = coarseMs - running;
    return Math.floor((running + this.offsetMs) * 1000);
  }
}
