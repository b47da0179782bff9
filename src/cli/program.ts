/**
 * The commands of `boxcar`, and what an error of any of them becomes.
 *
 * All commands are described here, since help and completion speak of all of them; what one of them does is loaded
 * when it is called.
 */
import { Command, CommanderError } from "commander";
import { Cancellation, codeOf, InvalidInputError, messageOf, resolutionReason, WorkerError } from "../base/errors.ts";
import { auditCommand } from "./access/audit-command.ts";
import { tokenCommand } from "./access/token-command.ts";
import { cacheCommand } from "./cache/command.ts";
import { completeCommand, completionCommand } from "./completion.ts";
import { configCommand } from "./config/command.ts";
import { type CliContext, EXIT } from "./context.ts";
import { doctorCommand } from "./doctor/command.ts";
import { imageCommand } from "./image/command.ts";
import { manifestCommand } from "./manifest/command.ts";
import { keepCommand, releaseCommand } from "./operate/keep-command.ts";
import { logsCommand } from "./operate/logs-command.ts";
import { resumeCommand } from "./operate/resume-command.ts";
import { screenshotCommand } from "./operate/screenshot-command.ts";
import { shellCommand } from "./operate/shell-command.ts";
import { topCommand } from "./operate/top-command.ts";
import { vncCommand } from "./operate/vnc-command.ts";
import { printable } from "./printable.ts";
import { queueCommand } from "./queue/command.ts";
import { runCommand } from "./run/command.ts";
import { schemaCommand } from "./schema.ts";
import { readVersion } from "./version.ts";
import { vmCommand } from "./vm/command.ts";
import { supervisorCommand } from "./vm/supervisor-command.ts";
import { workerCommand } from "./worker/command.ts";

const EXAMPLES = `
Examples:
  boxcar run -- uname -a                    run one command in a machine of its own
  boxcar run examples/report.yml --output out
  boxcar vm run --name dev                  a machine that stays
  boxcar image list
  boxcar schema payload                     what a task may say
  boxcar doctor                             what this host has and lacks`;

/** In the order of the help. */
const COMMANDS = {
  Tasks: [runCommand, queueCommand],
  "Tasks that run": [
    topCommand,
    logsCommand,
    shellCommand,
    vncCommand,
    screenshotCommand,
    keepCommand,
    releaseCommand,
    resumeCommand,
  ],
  Machines: [vmCommand],
  "This host": [workerCommand, doctorCommand, configCommand, imageCommand, cacheCommand],
  "Who may use it": [tokenCommand, auditCommand],
  "Everything else": [manifestCommand, schemaCommand, completionCommand],
} as const satisfies Record<string, readonly ((context: CliContext, argv: readonly string[]) => Command)[]>;

/** Runs one command line (without `node` and the script) to its end; never rejects. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<void> {
  const fail = (error: unknown) => {
    const { code, message } = describe(error);
    if (message !== undefined) context.stderr.write(`boxcar: ${printable(message)}\n`);
    context.setExitCode(code);
  };
  context.stderr.on("error", () => {});
  context.stdout.on("error", (error) => {
    // Who reads may have seen enough, as in `boxcar image list | head -1`.
    if (codeOf(error) !== "EPIPE") fail(error);
  });
  try {
    await buildProgram(argv, context).parseAsync([...argv], { from: "user" });
  } catch (error) {
    fail(context.signal.aborted ? context.signal.reason : error);
  }
}

function buildProgram(argv: readonly string[], context: CliContext): Command {
  const program = new Command("boxcar");
  program
    .description("A CI task worker that gives every task its own virtual machine")
    .version(readVersion())
    .option("--config <file>", "the worker's configuration (default: $BOXCAR_CONFIG, or the host's)")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(boxcar --help shows what there is)")
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .exitOverride();
  for (const [group, commands] of Object.entries(COMMANDS)) {
    for (const command of commands) {
      program.addCommand(inheriting(program, command(context, argv).helpGroup(`${group}:`)));
    }
  }
  program.addCommand(inheriting(program, completeCommand(context)), { hidden: true });
  program.addCommand(inheriting(program, supervisorCommand(context)), { hidden: true });
  const help = new Command("help").argument("[command]").description("display help for command");
  program.addHelpCommand(help.helpGroup("Everything else:"));
  return program;
}

/** Commander copies settings at `command()` only, and these commands were there before their parents. */
function inheriting(parent: Command, command: Command, parentPath = parent.name()): Command {
  command.copyInheritedSettings(parent);
  const path = `${parentPath} ${command.name()}`;
  command.showHelpAfterError(`(${path} --help shows what there is)`);
  for (const subcommand of command.commands) inheriting(command, subcommand, path);
  return command;
}

function describe(error: unknown): { code: number; message: string | undefined } {
  // Commander has said it already.
  if (error instanceof CommanderError) return { code: error.exitCode === 0 ? EXIT.ok : EXIT.usage, message: undefined };
  if (error instanceof Cancellation) return { code: EXIT.interrupted, message: error.message };
  if (error instanceof InvalidInputError) return { code: EXIT.usage, message: error.message };
  if (error instanceof WorkerError) {
    const isMistake = resolutionReason(error) === "malformed-payload";
    return { code: isMistake ? EXIT.usage : EXIT.exception, message: error.message };
  }
  // A folder that cannot be made, a file that cannot be read: the host's, and the message tells which.
  if (error instanceof Error && "syscall" in error) return { code: EXIT.exception, message: error.message };
  const stack = error instanceof Error ? error.stack : undefined;
  return { code: EXIT.exception, message: `this is a bug of Boxcar: ${stack ?? messageOf(error)}` };
}
