/** The system's C library through bun:ffi, for the few calls that Bun has no API for. */

import { dlopen, type FFIFunction, type Library } from 'bun:ffi';

/** The functions of `symbols`, or null where there is no such library: callers must cope. */
export function openLibc<Symbols extends Record<string, FFIFunction>>(
  symbols: Symbols,
): Library<Symbols> | null {
  for (const library of ['libc.so.6', 'libc.so']) {
    try {
      return dlopen(library, symbols);
    } catch {
      continue; // Not this C library.
    }
  }
  return null;
}
