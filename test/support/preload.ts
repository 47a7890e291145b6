/** Loaded before every test file (bunfig.toml): a busy machine must not fail a test that only takes longer there. */
import { setDefaultTimeout } from 'bun:test';

setDefaultTimeout(60_000);
