/** `boxcar audit`: who did what on this host. */
import { Command, InvalidArgumentError } from "commander";
import { configOf } from "../config.ts";
import { type CliContext, print, printJson } from "../context.ts";

const EXAMPLES = `
Examples:
  boxcar audit                              the last 50 entries, the newest first
  boxcar audit -n 1000 --json | jq -c '.[] | select(.outcome == "refused")'
  boxcar audit --before mgr1x2y3-AbCdEf12   what was before an entry, by its id

Each worker has its own, in audit/ of its stateDir.`;

const DEFAULT_COUNT = 50;
const MAX_COUNT = 1_000_000;

export function auditCommand(context: CliContext): Command {
  return new Command("audit")
    .description("show the audit log of this host")
    .option("-n, --number <number>", `so many entries at most (default: ${DEFAULT_COUNT})`, parseCount)
    .option("--before <entry>", "only those before the entry of this id")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: { number?: number; before?: string; json?: boolean }, command: Command) => {
      const config = await configOf(context, command);
      const [{ openAuditLog }, { auditTable }] = await Promise.all([
        import("./open-access.ts"),
        import("./describe.ts"),
      ]);
      await using log = await openAuditLog(config);
      const { number: limit = DEFAULT_COUNT, before, json } = flags;
      const entries = await log.read({ limit, ...(before === undefined ? {} : { before }) });
      if (json) printJson(context, entries);
      else print(context, auditTable(entries));
    });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,7}$/.test(text) && count >= 1 && count <= MAX_COUNT) return count;
  throw new InvalidArgumentError(`it must be a number from 1 to ${MAX_COUNT}.`);
}
