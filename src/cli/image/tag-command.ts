/** `boxcar image tag`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import { type CliContext, print } from "../context.ts";

const EXAMPLES = `
Examples:
  boxcar image tag debian-ci stable           another name for the same image
  boxcar image tag sha256:… debian-ci         the name moves, if another image has it`;

export function tagCommand(context: CliContext): Command {
  return new Command("tag")
    .description("give an image a name, which another one may lose by that")
    .argument("<image>", "name, digest, or the first 6 digits of a digest")
    .argument("<name>", "the new name")
    .addHelpText("after", EXAMPLES)
    .action(async (reference: string, name: string, _flags: object, command: Command) => {
      const config = await configOf(context, command);
      await using store = await (await import("../store.ts")).openStore(config);
      await store.tag(reference, name);
      const { digest, tags } = await store.inspect(name);
      print(context, `${digest} (${tags.join(", ")})`);
    });
}
