/** Lines of INFO, name and value. */
export type Fields = readonly (readonly [name: string, value: string | number | bigint])[];
