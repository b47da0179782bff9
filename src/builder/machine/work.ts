/** What is to be done in the machine in which an image is made. Pure. */
import type { NetworkPolicy } from "../../network/policy/network-policy.ts";
import type { ParsedRecipe, RecipeCommand, RecipeFile, RecipeUser } from "../recipe.ts";

/** In this order: packages, users, files, what is run once, commands. */
export interface MachineWork {
  readonly packages: readonly string[];
  readonly users: readonly RecipeUser[];
  readonly files: readonly RecipeFile[];
  readonly firstBoot: readonly RecipeCommand[];
  readonly commands: readonly RecipeCommand[];
  /** What the machine may reach meanwhile. */
  readonly network: NetworkPolicy;
  /** For all of it, from the start of the machine until it is off. */
  readonly timeoutMs: number;
  /** Whether Boxcar's agent is put into the guest, where it is not. */
  readonly installAgent: boolean;
}

export function workOf(recipe: ParsedRecipe): MachineWork {
  const { packages, users, files, firstBoot, commands, network, timeoutMs } = recipe;
  return { packages, users, files, firstBoot, commands, network, timeoutMs, installAgent: false };
}

/** Whether there is anything for which a machine has to boot. */
export function isIdle({ packages, users, files, firstBoot, commands, installAgent }: MachineWork): boolean {
  return [packages, users, files, firstBoot, commands].every((list) => list.length === 0) && !installAgent;
}
