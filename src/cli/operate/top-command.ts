/** `boxcar top`: the queue, workers and machines, as they change. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { addServerOptions, SERVER_HELP, type ServerFlags } from "../server/server-options.ts";

const EXAMPLES = `
Examples:
  boxcar top                                as long as one looks; q or Ctrl-C ends it
  boxcar top --once
  boxcar top --json | jq .machines          what there is now, for scripts`;

interface TopFlags extends ServerFlags {
  once?: boolean;
  json?: boolean;
}

export function topCommand(context: CliContext): Command {
  const top = new Command("top").description("watch the queue, workers and machines");
  top
    .option("--once", "print it once (default where stdout is no terminal)")
    .option("--json", "print it once, as JSON");
  return addServerOptions(top)
    .addHelpText("after", EXAMPLES + SERVER_HELP)
    .action(async (flags: TopFlags, command: Command) => {
      const [{ serverOf }, { printTop, watchTop }] = await Promise.all([
        import("../server/server.ts"),
        import("./top.ts"),
      ]);
      const server = await serverOf(flags, context, command);
      const isLive = context.stdout.isTTY === true && !flags.once && !flags.json;
      await (isLive ? watchTop(server, context) : printTop(server, context, flags.json ?? false));
    });
}
