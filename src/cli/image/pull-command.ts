/** `boxcar image pull`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { PullFlags } from "./pull.ts";

const EXAMPLES = `
Examples:
  boxcar image pull team/debian-ci                              from a registry of images.registries
  boxcar image pull debian-ci --from https://ci.example.com/api/v1/registry
  boxcar image pull debian-ci@sha256:… --from /srv/registry     only if the name stands for this digest
  boxcar image pull https://example.com/my.tar.zst --sha256 … --tag my

Parents that are missing come with it. Where images.requireSignature is set, it must be signed;
the signature of a URL is at URL.sig.`;

export function pullCommand(context: CliContext): Command {
  return new Command("pull")
    .description("fetch an image from a registry or a URL into the store")
    .argument("<source>", "REGISTRY/NAME, NAME or sha256:… with --from, or the URL of an archive")
    .option("--from <registry>", "its name in images.registries, its URL or its folder")
    .option("--tag <name>", "name it gets (default: the one in the registry)")
    .option("--sha256 <digits>", "digest that the archive behind a URL must have")
    .option("--discard", "do not keep the archive beside the image")
    .option("--allow-unsigned", "take an image that nobody of images.requireSignature has signed")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (source: string, flags: PullFlags, command: Command) => {
      const { pull } = await import("./pull.ts");
      await pull(source, flags, await configOf(context, command), context);
    });
}
