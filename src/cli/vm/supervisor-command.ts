/** The hidden `boxcar vm-supervisor`. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";

export function supervisorCommand(context: CliContext): Command {
  return new Command("vm-supervisor")
    .description("has one machine until it ends; started by boxcar vm start")
    .argument("<id>", "of the machine")
    .action(async (id: string, _flags: object, command: Command) => {
      const [config, { supervise }] = await Promise.all([configOf(context, command), import("./supervise.ts")]);
      await supervise(id, config, context);
    });
}
