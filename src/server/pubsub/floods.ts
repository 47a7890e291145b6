/**
 * What one turn, one endless script perhaps, publishes to the listeners of other workers once that is more than a letter
 * takes. Who listens here is owed all of it until the turn ends, and is cut off when that is more than its limit; those
 * elsewhere are treated alike, or letters would fill the memory while nobody can take them.
 */

export const enum Flow {
  /** The message is sent. */
  Passes = 0,
  /** Those who listen are to be cut off instead. */
  IsCut = 1,
  /** They have been already. */
  IsOver = 2,
}

export class Floods {
  /** Bytes published in this turn to each channel, worker by worker. */
  private readonly byteCounts = new Map<string, number>();
  /** Something has been sent in this turn before its end, so that messages are counted. */
  isOn = false;

  /** Counts a message to a channel; `bytesMax`: what a listener may be owed, 0 for any amount. */
  count(worker: number, subject: number, channel: string, messageBytes: number, bytesMax: number): Flow {
    if (bytesMax === 0) return Flow.Passes;
    const place = `${worker} ${subject} ${channel}`;
    const before = this.byteCounts.get(place) ?? 0;
    if (before > bytesMax) return Flow.IsOver;
    const after = before + messageBytes;
    this.byteCounts.set(place, after);
    return after > bytesMax ? Flow.IsCut : Flow.Passes;
  }

  /** The turn is over. */
  end(): void {
    this.isOn = false;
    this.byteCounts.clear();
  }
}
