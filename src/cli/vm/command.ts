/** `boxcar vm`: long-lived machines of this host. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import {
  pauseCommand,
  removeCommand,
  restartCommand,
  resumeCommand,
  startCommand,
  stopCommand,
} from "./change-commands.ts";
import { cloneCommand, restoreCommand } from "./clone-commands.ts";
import {
  connectCommand,
  consoleCommand,
  copyCommand,
  execCommand,
  shellCommand,
  sshCommand,
  syncCommand,
} from "./guest-commands.ts";
import {
  gcCommand,
  inspectCommand,
  listCommand,
  logsCommand,
  monitorCommand,
  screenshotCommand,
  statusCommand,
  vncCommand,
} from "./look-commands.ts";
import { createCommand, runCommand } from "./make-commands.ts";
import { snapshotCommand } from "./snapshot/command.ts";

const EXAMPLES = `
Examples:
  boxcar vm run --name dev                  a machine of the default image
  boxcar vm shell dev
  boxcar vm exec dev -- uname -a
  boxcar vm stop dev; boxcar vm start dev   what is on its disk stays
  boxcar vm clone dev try                   another one that goes on where dev is
  boxcar vm rm dev`;

/** In the order of the help. */
const COMMANDS = [
  ...[createCommand, runCommand, startCommand, stopCommand, restartCommand, pauseCommand, resumeCommand, removeCommand],
  ...[snapshotCommand, cloneCommand, restoreCommand],
  ...[listCommand, inspectCommand, statusCommand, logsCommand],
  ...[shellCommand, execCommand, consoleCommand, copyCommand, syncCommand, sshCommand, connectCommand],
  ...[screenshotCommand, vncCommand, monitorCommand, gcCommand],
] as const;

export function vmCommand(context: CliContext): Command {
  const vm = new Command("vm").description("machines that stay: make, start, use and remove them");
  vm.addHelpText("after", EXAMPLES);
  for (const command of COMMANDS) vm.addCommand(command(context));
  return vm;
}
