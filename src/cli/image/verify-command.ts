/** `boxcar image verify`, as the command line knows it. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import { type CliContext, EXIT } from "../context.ts";
import type { VerifyFlags } from "./verify.ts";

const EXAMPLES = `
Examples:
  boxcar image verify my.tar.zst                    everything an import would refuse, without an import
  boxcar image verify debian-ci                     also whether it is still what its archive holds
  boxcar image verify debian-ci --key team.pub      and that this key has signed it

Without --key the keys of images.requireSignature count.
Exit codes: 0 all is right, 1 refused, 2 bad usage, 3 it could not be checked.`;

export function verifyCommand(context: CliContext): Command {
  return new Command("verify")
    .description("check an image or an archive, and who has signed it, without starting a machine")
    .argument("<image>", "name, digest, the first 6 digits of a digest, or an archive")
    .option(
      "--key <file>",
      "public key that must have signed it; of several one is enough",
      (file: string, before: string[] = []) => [...before, file],
    )
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (image: string, flags: VerifyFlags, command: Command) => {
      const { verify } = await import("./verify.ts");
      const isRight = await verify(image, flags, await configOf(context, command), context);
      context.setExitCode(isRight ? EXIT.ok : EXIT.failed);
    });
}
