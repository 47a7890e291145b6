/** The string family against redis-server: random commands over few keys, replies compared byte by byte. */
import { compareFamily } from '../support/differential-family.ts';
import { STRING_GENERATORS } from './string-commands.ts';

compareFamily('strings', STRING_GENERATORS);
