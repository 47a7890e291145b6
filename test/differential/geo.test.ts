/** The geo family against redis-server: random commands over few keys, replies compared byte by byte. */
import { compareFamily } from '../support/differential-family.ts';
import { GEO_GENERATORS } from './geo-commands.ts';

compareFamily('places', GEO_GENERATORS);
