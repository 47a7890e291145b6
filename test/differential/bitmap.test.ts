/** Bitmaps against redis-server: random commands over few keys, replies compared byte by byte. */
import { compareFamily } from '../support/differential-family.ts';
import { BITMAP_GENERATORS } from './bitmap-commands.ts';

compareFamily('bitmaps', BITMAP_GENERATORS);
