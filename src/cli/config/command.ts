/** `boxcar config`: what the worker is told, and by whom. */
import { Command } from "commander";
import { configFileOf, reading } from "../config.ts";
import { readConfigExample } from "../config-example.ts";
import { type CliContext, EXIT, print, printJson } from "../context.ts";

const CHECK_EXAMPLES = `
Examples:
  boxcar config check                       the file that is in force here
  boxcar config check worker.yml
  boxcar config check --json | jq '.issues[].path'

Environment variables count too, and secrets are looked for.
Exit codes: 0 nothing is wrong, 2 something is.`;

const SHOW_EXAMPLES = `
Examples:
  boxcar config show
  BOXCAR_WORKER_CAPACITY=2 boxcar config show | grep capacity

Every value can be set by a variable: worker.capacity by BOXCAR_WORKER_CAPACITY, limits.maxRunTime by
BOXCAR_LIMITS_MAX_RUN_TIME. Secrets are not shown.`;

const EXAMPLE_EXAMPLES = `
Examples:
  boxcar config example > worker.yml`;

export function configCommand(context: CliContext): Command {
  return new Command("config")
    .description("check and show the worker's configuration")
    .addCommand(checkCommand(context))
    .addCommand(showCommand(context))
    .addCommand(exampleCommand(context));
}

function checkCommand(context: CliContext): Command {
  return new Command("check")
    .description("list everything that is wrong with the configuration, with lines")
    .argument("[file]", "the file to check (default: the one that is in force)")
    .option("--json", "print JSON")
    .addHelpText("after", CHECK_EXAMPLES)
    .action(async (file: string | undefined, flags: { json?: boolean }, command: Command) => {
      const { checkConfig } = await import("../../config/check-config.ts");
      const checked = await reading(() => checkConfig(context.surroundings, file ?? configFileOf(command)));
      const { formatCheck } = await import("./report.ts");
      const valid = checked.issues.length === 0;
      if (flags.json) printJson(context, { valid, ...checked });
      else print(context, formatCheck(checked));
      context.setExitCode(valid ? EXIT.ok : EXIT.usage);
    });
}

function showCommand(context: CliContext): Command {
  return new Command("show")
    .description("print the configuration that is in force, and where what is no default comes from")
    .option("--json", "print JSON")
    .addHelpText("after", SHOW_EXAMPLES)
    .action(async (flags: { json?: boolean }, command: Command) => {
      const { effectiveConfig } = await import("../../config/effective-config.ts");
      const effective = await reading(() => effectiveConfig(context.surroundings, configFileOf(command)));
      for (const warning of effective.warnings) context.stderr.write(`boxcar: warning: ${warning}\n`);
      const { file = null, document, origins } = effective;
      if (flags.json) printJson(context, { file, config: document, origins: Object.fromEntries(origins) });
      else {
        const { formatEffective } = await import("./report.ts");
        context.stdout.write(formatEffective(effective));
      }
    });
}

function exampleCommand(context: CliContext): Command {
  return new Command("example")
    .description("print a configuration file to start from, with every setting and its default")
    .addHelpText("after", EXAMPLE_EXAMPLES)
    .action(() => {
      context.stdout.write(readConfigExample());
    });
}
