/** Seeds of randomised tests: fresh with every run, and always told, so that a failure can be had again. */

/** A fresh seed, or the one in the environment variable SEED; printed with `what` it is for. */
export function freshSeed(what: string): number {
  const wanted = process.env['SEED'];
  const seed = wanted === undefined ? crypto.getRandomValues(new Uint32Array(1))[0]! : Number(wanted);
  console.log(`${what}: SEED=${seed}`);
  return seed;
}
