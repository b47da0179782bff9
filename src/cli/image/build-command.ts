/** `boxcar image build` and `boxcar image recipes`, as the command line knows them. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { BuildFlags } from "./build.ts";

const EXAMPLES = `
Examples:
  boxcar image build debian-minimal                    an included recipe, into the store
  boxcar image build ./my.yml -o my.tar.zst            a recipe of your own, and the archive into a file
  boxcar image build ./my.yml --layer                  only what it has other than the image it is from
  boxcar image build ./windows.yml --vnc               with the screen of its machine, to watch and to type
  boxcar image build ./my.yml --keep-on-failure        with a look at the machine in which a command failed
  boxcar image build debian-minimal --if-outdated      only if there is none, or the recipe or agent has changed

"boxcar image recipes" lists the included recipes, "boxcar schema recipe" says what may be in one.`;

export function buildCommand(context: CliContext): Command {
  return new Command("build")
    .description("make an image by a recipe and bring it into the store")
    .argument("<recipe>", "an included recipe, or the path of a file")
    .option("-o, --output <file>", "keep the archive in this file")
    .option("--tag <name>", "name in the store (default: the recipe's)")
    .option("--layer", "pack only what differs from the image it is from, which must be there to use it")
    .option("--vnc [address]", "show the screen of the machine in which it is made, such as at 127.0.0.1:5901")
    .option("--keep-on-failure", "keep the machine in which something failed, until Enter or Ctrl-C")
    .option("--if-outdated", "do nothing if the store has an image of that name, recipe and agent")
    .option("--sign <key>", "sign the image with this private key, which boxcar manifest keygen makes")
    .option("--allow-unsigned", "start from an image that images.requireSignature would refuse")
    .option("--verbose", "show what the package tools print")
    .option("--json", "print the image as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (recipe: string, flags: BuildFlags, command: Command) => {
      const { buildByRecipe } = await import("./build.ts");
      await buildByRecipe(recipe, flags, await configOf(context, command), context);
    });
}

export function recipesCommand(context: CliContext): Command {
  return new Command("recipes")
    .description("list the recipes that come with Boxcar")
    .option("--json", "print JSON")
    .action(async (flags: { json?: boolean }) => {
      const { listRecipes } = await import("./list-recipes.ts");
      await listRecipes(flags, context);
    });
}
