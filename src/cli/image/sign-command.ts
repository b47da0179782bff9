/** `boxcar image sign`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import type { SignFlags } from "./sign.ts";

const EXAMPLES = `
Examples:
  boxcar manifest keygen images.pem                     makes images.pem and images.pem.pub
  boxcar image sign debian-ci --key images.pem          in the store; push takes it along
  boxcar image sign debian.tar.zst --key images.pem     into debian.tar.zst.sig

Others that have signed it already are kept.`;

export function signCommand(context: CliContext): Command {
  return new Command("sign")
    .description("sign an image of the store, or an archive")
    .argument("<image>", "name, digest, the first 6 digits of a digest, or an archive")
    .requiredOption("--key <file>", "private key, as boxcar manifest keygen makes it")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (image: string, flags: SignFlags, command: Command) => {
      const { sign } = await import("./sign.ts");
      await sign(image, flags, await configOf(context, command), context);
    });
}
