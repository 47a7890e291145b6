/** Sets of commands, as access rules name them: by command, by container or by category. */
import { COMMAND_COUNT_MAX } from '../../memory/control.ts';
import type { Command, Registry } from '../registry.ts';
import { ACL_CATEGORIES, aclCategories } from '../server/command-facts.ts';

const COMMAND_WORDS = COMMAND_COUNT_MAX / 32;

/** What rules need to know about the commands there are; made once per thread. */
export class CommandSets {
  readonly registry: Registry;
  private readonly byCategory = new Map<string, Command[]>();

  constructor(registry: Registry) {
    this.registry = registry;
    for (const category of ACL_CATEGORIES) this.byCategory.set(category, []);
    for (const command of registry.commands) {
      for (const category of aclCategories(command)) this.byCategory.get(category)!.push(command);
    }
  }

  /** The commands of a category, containers and subcommands included; null: there is no such category. */
  category(name: string): readonly Command[] | null {
    return this.byCategory.get(name.toLowerCase()) ?? null;
  }

  /** A command by `name` or `container|sub`, in any case. */
  command(name: string): Command | null {
    const words = name.toLowerCase().split('|');
    const command = this.registry.byName.get(words[0]!);
    if (command === undefined || words.length > 2) return null;
    return words.length === 1 ? command : (command.subs?.get(words[1]!) ?? null);
  }
}

/** A set of command ids. */
export class CommandBits {
  private readonly words = new Uint32Array(COMMAND_WORDS);

  has(id: number): boolean {
    return ((this.words[id >>> 5]! >>> (id & 31)) & 1) !== 0;
  }

  put(id: number, isIn: boolean): void {
    if (isIn) this.words[id >>> 5]! |= 1 << (id & 31);
    else this.words[id >>> 5]! &= ~(1 << (id & 31));
  }

  fill(isIn: boolean): void {
    this.words.fill(isIn ? 0xffffffff : 0);
  }

  copyFrom(other: CommandBits): void {
    this.words.set(other.words);
  }
}
