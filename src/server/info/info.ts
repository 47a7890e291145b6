/** The text of INFO: which sections, in Redis' order. What stands in them is in info-sections.ts. Takes no lock and asks
 *  no other thread, so that it can be called anywhere: everything is read from the control block and the system. */
import type { Engine } from '../engine.ts';
import type { Fields } from './fields.ts';
import {
  clientsSection,
  clusterSection,
  commandStatsSection,
  cpuSection,
  errorStatsSection,
  keyspaceSection,
  latencyStatsSection,
  persistenceSection,
  replicationSection,
  serverSection,
  statsSection,
} from './info-sections.ts';
import { memorySection } from './info-memory.ts';

interface Section {
  /** As it is asked for, and as its heading shows it. */
  readonly name: string;
  readonly heading: string;
  /** Shown when no section was asked for. */
  readonly isDefault: boolean;
  readonly render: (engine: Engine) => Fields;
}

/** No modules: their heading is there as in a Redis that has none. */
const NONE = (): Fields => [];

const SECTIONS: readonly Section[] = [
  { name: 'server', heading: 'Server', isDefault: true, render: serverSection },
  { name: 'clients', heading: 'Clients', isDefault: true, render: clientsSection },
  { name: 'memory', heading: 'Memory', isDefault: true, render: memorySection },
  { name: 'persistence', heading: 'Persistence', isDefault: true, render: persistenceSection },
  { name: 'stats', heading: 'Stats', isDefault: true, render: statsSection },
  { name: 'replication', heading: 'Replication', isDefault: true, render: replicationSection },
  { name: 'cpu', heading: 'CPU', isDefault: true, render: cpuSection },
  { name: 'modules', heading: 'Modules', isDefault: true, render: NONE },
  { name: 'commandstats', heading: 'Commandstats', isDefault: false, render: commandStatsSection },
  { name: 'errorstats', heading: 'Errorstats', isDefault: true, render: errorStatsSection },
  { name: 'latencystats', heading: 'Latencystats', isDefault: false, render: latencyStatsSection },
  { name: 'cluster', heading: 'Cluster', isDefault: true, render: clusterSection },
  { name: 'keyspace', heading: 'Keyspace', isDefault: true, render: keyspaceSection },
];

/** INFO's text for the sections asked for, in any case; none means the default ones, unknown names nothing. */
export function renderInfo(engine: Engine, names: readonly string[]): string {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const isAll = wanted.has('all') || wanted.has('everything');
  const isDefault = wanted.size === 0 || wanted.has('default');
  if (wanted.has('module_list')) wanted.add('modules');
  return SECTIONS.filter((section) => isAll || wanted.has(section.name) || (isDefault && section.isDefault))
    .map(({ heading, render }) => `# ${heading}\r\n${renderFields(render(engine))}`)
    .join('\r\n');
}

function renderFields(fields: Fields): string {
  return fields.map(([name, value]) => `${name}:${value}\r\n`).join('');
}
