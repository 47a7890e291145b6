/** HyperLogLogs against redis-server: random commands over few keys, replies compared byte by byte. */
import { compareFamily } from '../support/differential-family.ts';
import { HYPERLOGLOG_GENERATORS } from './hyperloglog-commands.ts';

compareFamily('HyperLogLogs', HYPERLOGLOG_GENERATORS);
