/** `boxcar screenshot`: what the screen of a task's machine shows now. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { addServerOptions, SERVER_HELP, type ServerFlags } from "../server/server-options.ts";
import { parseRun } from "./shell-command.ts";

const EXAMPLES = `
Examples:
  boxcar screenshot pX3                     into TASK-TIME.png, whose name is printed
  boxcar screenshot pX3 -o screen.png
  boxcar screenshot pX3 -o - | display`;

interface ScreenshotFlags extends ServerFlags {
  run?: number;
  output?: string;
}

export function screenshotCommand(context: CliContext): Command {
  const screenshot = new Command("screenshot").description("save what the screen of a task shows, as PNG");
  screenshot
    .argument("<task>", "id of a task, or the beginning of it")
    .option("-o, --output <file>", 'where to; "-" is stdout')
    .option("--run <number>", "which run, from 0 (default: the last one)", parseRun);
  return addServerOptions(screenshot)
    .addHelpText("after", EXAMPLES + SERVER_HELP)
    .action(async (task: string, flags: ScreenshotFlags, command: Command) => {
      const [{ serverOf }, { saveScreenshot }] = await Promise.all([
        import("../server/server.ts"),
        import("./screenshot.ts"),
      ]);
      const server = await serverOf(flags, context, command);
      await saveScreenshot({ server, task, run: flags.run ?? "latest", output: flags.output }, context);
    });
}
