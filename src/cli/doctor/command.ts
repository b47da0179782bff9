/** `boxcar doctor`: what this host has and lacks. */
import { Command } from "commander";
import { configOf } from "../config.ts";
import { type CliContext, EXIT, print, printJson } from "../context.ts";
import { formatReport, isHealthy } from "./report.ts";

const EXAMPLES = `
Examples:
  boxcar doctor
  boxcar doctor --json

Exit codes: 0 tasks can run here, 1 something is missing.`;

export function doctorCommand(context: CliContext): Command {
  return new Command("doctor")
    .description("check what this host has and lacks, and say what to do")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: { json?: boolean }, command: Command) => {
      const config = await configOf(context, command);
      const { checkHost } = await import("./checks.ts");
      const checks = await checkHost(config, context.signal);
      if (flags.json) printJson(context, { healthy: isHealthy(checks), checks });
      else print(context, formatReport(checks));
      context.setExitCode(isHealthy(checks) ? EXIT.ok : EXIT.failed);
    });
}
