/** `boxcar image build`, as the command line knows it. */
import { Argument, Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { BuildFlags } from "./build.ts";

const EXAMPLES = `
Examples:
  boxcar image build debian-minimal                    into the store
  boxcar image build debian-minimal -o image.tar.zst   and the archive into a file
  boxcar image build debian-minimal --if-outdated      only if there is none, or the recipe or agent has changed`;

export function buildCommand(context: CliContext): Command {
  return new Command("build")
    .description("build an image and bring it into the store")
    .addArgument(new Argument("<recipe>", "what to build").choices(["debian-minimal"]))
    .option("-o, --output <file>", "keep the archive in this file")
    .option("--tag <name>", "name in the store (default: the recipe's)")
    .option("--if-outdated", "do nothing if the store has an image of that name, recipe and agent")
    .option("--verbose", "show what the package tools print")
    .option("--json", "print the image as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (recipe: string, flags: BuildFlags, command: Command) => {
      const { buildImage } = await import("./build.ts");
      await buildImage(recipe, flags, await configOf(context, command), context);
    });
}
