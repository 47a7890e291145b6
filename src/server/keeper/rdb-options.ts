/** What RDB files are to be like, by the configuration. */
import { AccessFact, type RdbFileOptions } from '../../persist/rdb/file-writer.ts';
import type { Config } from '../config/config.ts';

export function rdbOptions(config: Config): RdbFileOptions {
  return {
    version: config.number('rdb-version'),
    isCompressing: config.flag('rdbcompression'),
    isSumming: config.flag('rdbchecksum'),
    access: accessFact(config.text('maxmemory-policy')),
  };
}

/** Redis: when keys were used is told if keys are evicted by it. */
function accessFact(policy: string): AccessFact {
  if (policy.endsWith('-lru')) return AccessFact.Idle;
  return policy.endsWith('-lfu') ? AccessFact.Frequency : AccessFact.None;
}
