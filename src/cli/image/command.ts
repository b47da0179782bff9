/** `boxcar image`: the images of this host. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { buildCommand, recipesCommand } from "./build-command.ts";
import { diffCommand } from "./diff-command.ts";
import { exportCommand } from "./export-command.ts";
import { gcCommand } from "./gc-command.ts";
import { historyCommand } from "./history-command.ts";
import { importCommand } from "./import-command.ts";
import { listCommand } from "./list-command.ts";
import { pullCommand } from "./pull-command.ts";
import { pushCommand } from "./push-command.ts";
import { removeCommand } from "./remove-command.ts";
import { showCommand } from "./show-command.ts";
import { signCommand } from "./sign-command.ts";
import { tagCommand } from "./tag-command.ts";
import { verifyCommand } from "./verify-command.ts";
import { warmCommand } from "./warm-command.ts";

const EXAMPLES = `
Examples:
  boxcar image build debian-minimal         make the default image from Debian packages
  boxcar image import my.tar.zst --tag my   bring an archive into the store
  boxcar image list
  boxcar image show my --json
  boxcar image verify my --key team.pub     everything a run would refuse, and who has signed it
  boxcar image push my --to /srv/registry   for other hosts
  boxcar image warm my                      boot it once, so that tasks resume it
  boxcar image rm my`;

/** In the order of the help. */
const COMMANDS = [
  ...[buildCommand, recipesCommand, importCommand, exportCommand, pullCommand, pushCommand],
  ...[listCommand, showCommand, historyCommand, diffCommand, verifyCommand, signCommand],
  ...[tagCommand, warmCommand, removeCommand, gcCommand],
] as const;

export function imageCommand(context: CliContext): Command {
  const image = new Command("image").description("build, check, ship and look at machine images");
  image.addHelpText("after", EXAMPLES);
  for (const command of COMMANDS) image.addCommand(command(context));
  return image;
}
