/** What a fuzzer is. */

/** Makes `operationCount` random operations that depend on `seed` alone; throws at the first that goes wrong. */
export type Fuzzer = (seed: number, operationCount: number) => void;
