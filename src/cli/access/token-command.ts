/** `boxcar token`: tokens for the HTTP API of the workers of this queue. */
import { Command, InvalidArgumentError, Option } from "commander";
import { ROLES, type Role } from "../../access/role.ts";
import { tryParseDuration } from "../../base/units.ts";
import { configOf } from "../config.ts";
import type { CliContext } from "../context.ts";

const EXAMPLES = `
Examples:
  boxcar token create --name ci --role submitter --expires "90 days"
  boxcar token create --name ann --role admin --json
  boxcar token list
  boxcar token revoke 1f0c9a4e27            its sessions end too

A token is shown once, when it is made. Roles, from the one that may least:
  viewer      looks at tasks, logs, artifacts, screens
  submitter   and submits tasks, and cancels its own
  operator    and cancels any, types into machines, pauses workers, pulls images
  admin       and stops workers, removes images, reads the audit log`;

export function tokenCommand(context: CliContext): Command {
  const token = new Command("token").description("make, list and revoke tokens for the HTTP API");
  token.addHelpText("after", EXAMPLES);
  token
    .command("create")
    .description("make a token, and print it")
    .requiredOption("--name <name>", "who has it, for lists, tasks and the audit log")
    .addOption(new Option("--role <role>", "what it is good for").choices(ROLES).makeOptionMandatory())
    .option("--expires <duration>", 'when it ends, such as "90 days" (default: never)', parseDuration)
    .option("--json", "print JSON")
    .action(async (flags: { name: string; role: Role; expires?: number; json?: boolean }, command: Command) => {
      const config = await configOf(context, command);
      const { createToken } = await import("./tokens.ts");
      await createToken({ ...flags, config, context });
    });
  token
    .command("list")
    .alias("ls")
    .description("list the tokens, the oldest first")
    .option("--json", "print JSON")
    .action(async ({ json = false }: { json?: boolean }, command: Command) => {
      const config = await configOf(context, command);
      const { listTokens } = await import("./tokens.ts");
      await listTokens({ json, config, context });
    });
  token
    .command("revoke")
    .description("end tokens, and the sessions that came from them")
    .argument("<id...>", "as the list has them")
    .action(async (ids: string[], _flags: object, command: Command) => {
      const config = await configOf(context, command);
      const { revokeTokens } = await import("./tokens.ts");
      await revokeTokens({ ids, config, context });
    });
  return token;
}

function parseDuration(text: string): number {
  const ms = tryParseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('it must be a length of time, such as "90 days".');
  return ms;
}
