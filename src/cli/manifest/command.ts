/** `boxcar manifest`: the signed lists of what runs have left. */
import { resolve } from "node:path";
import { Command } from "commander";
import { codeOf, messageOf } from "../../base/errors.ts";
import { type CliContext, EXIT, print, printJson } from "../context.ts";

const EXAMPLES = `
Examples:
  boxcar manifest keygen /etc/boxcar/manifest.pem
  boxcar manifest verify downloads --key manifest.pem.pub`;

interface VerifyFlags {
  key: string;
  partial?: boolean;
  json?: boolean;
}

export function manifestCommand(context: CliContext): Command {
  const manifest = new Command("manifest").description("make keys for, and check, the signed lists of what runs leave");
  manifest.addHelpText("after", EXAMPLES);
  manifest
    .command("keygen")
    .description("make a private key for a worker, and the public one for those who check")
    .argument("<file>", "for the private key; the public one is written to <file>.pub")
    .action(async (file: string) => {
      const { writeKeys } = await import("./keygen.ts");
      const { privateFile, publicFile } = await writeKeys(resolve(context.cwd, file));
      print(
        context,
        `private key: ${privateFile}; for features.artifacts.manifest.key of the worker, and boxcar image sign`,
      );
      print(
        context,
        `public key: ${publicFile}; for boxcar manifest verify, boxcar image verify and images.requireSignature`,
      );
    });
  manifest
    .command("verify")
    .description("check the artifacts of a run against the signed list among them")
    .argument("<folder>", "with all artifacts of the run below it, by their names")
    .requiredOption("--key <file>", "public key of the worker")
    .option("--partial", "some of the artifacts may be missing")
    .option("--json", "print JSON")
    .action(async (folder: string, flags: VerifyFlags) => {
      const isRight = await verify(context, resolve(context.cwd, folder), flags);
      context.setExitCode(isRight ? EXIT.ok : EXIT.failed);
    });
  return manifest;
}

/** Resolves with whether all is as it was. */
async function verify(context: CliContext, folder: string, { key, partial, json }: VerifyFlags): Promise<boolean> {
  const { checkFolder, describeCheck } = await import("./verify.ts");
  try {
    const check = await checkFolder(folder, resolve(context.cwd, key), partial ?? false, context.signal);
    if (json) printJson(context, check);
    else print(context, describeCheck(check));
    return check.intact;
  } catch (error) {
    if (codeOf(error) !== "manifest-signature-wrong") throw error;
    if (json) printJson(context, { intact: false, message: messageOf(error) });
    context.stderr.write(`boxcar: ${messageOf(error)}\n`);
    return false;
  }
}
