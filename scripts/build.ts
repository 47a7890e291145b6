#!/usr/bin/env bun
/** Builds dist/damselfly: one executable with the runtime, the entry files and every worker embedded.
 *
 *  A compiled program finds a worker only if its file is an entry of the build, and only by an address relative
 *  to main.ts, which is why every thread's file stands beside it in src/ (ENTRIES below).
 *  The x64 runtime starts from SSE4.2 and picks wider instructions as it runs: there is no separate baseline build. */

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import packageJson from '../package.json';

const ROOT = join(import.meta.dir, '..');
const OUTPUT = join(ROOT, 'dist', 'damselfly');

/** main.ts first: the others' addresses are relative to it. A thread that does not exist yet is left out. */
const ENTRIES = ['main.ts', 'worker.ts', 'keeper.ts'].map((name) => join(ROOT, 'src', name));

/** Compiles `entries` into one executable at `output`, replaced in one step so that a running one is undisturbed. */
export async function buildExecutable(entries: string[], output: string): Promise<void> {
  mkdirSync(dirname(output), { recursive: true });
  // In a directory of its own, because the compiler leaves source maps, which it has also embedded, beside its output.
  const workshop = mkdtempSync(`${output}.unfinished-`);
  try {
    const outfile = join(workshop, 'executable');
    await Bun.build({
      entrypoints: entries,
      target: 'bun',
      // Every thread loads all of the code: parsed beforehand, that halves the time until the server listens.
      bytecode: true,
      format: 'esm',
      define: { CHECKS: 'false' },
      // Identifiers and source maps stay, so that a stack trace in a log names our files and lines.
      minify: { whitespace: true, syntax: true, identifiers: false, keepNames: true },
      sourcemap: 'inline',
      // A server must not change its ways because of files that happen to lie in its working directory.
      compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
    });
    renameSync(outfile, output);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const startedAtMs = performance.now();
  await buildExecutable(
    ENTRIES.filter((path, index) => index === 0 || existsSync(path)),
    OUTPUT,
  );
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const megabytes = (statSync(OUTPUT).size / 1e6).toFixed(0);
  console.error(`built dist/damselfly ${packageJson.version}, ${megabytes} MB, in ${seconds} s`);
}
