/** `boxcar image rm`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import { type CliContext, print } from "../context.ts";

const EXAMPLES = `
Examples:
  boxcar image rm debian-ci                   the image, or only this name if it has others
  boxcar image rm sha256:…                    the image with all its names`;

export function removeCommand(context: CliContext): Command {
  return new Command("rm")
    .description("remove images, or names of images that have several")
    .argument("<image...>", "name, digest, or the first 6 digits of a digest")
    .addHelpText("after", EXAMPLES)
    .action(async (references: string[], _flags: object, command: Command) => {
      const config = await configOf(context, command);
      await using store = await (await import("../store.ts")).openStore(config);
      for (const reference of references) {
        const { removedTags, removedImage } = await store.remove(reference);
        print(context, removedImage ? `removed ${reference}` : `removed the name ${removedTags.join(", ")}`);
      }
    });
}
