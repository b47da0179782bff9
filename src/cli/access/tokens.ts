/** What `boxcar token` does. */
import type { AuditLog } from "../../access/audit-log.ts";
import { LOCAL } from "../../access/principal.ts";
import type { Role } from "../../access/role.ts";
import { Tokens } from "../../access/tokens.ts";
import { WorkerError } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { describeNewToken, tokenTable } from "./describe.ts";
import { openAccessStore, openAuditLog } from "./open-access.ts";

interface Parts {
  config: Config;
  context: CliContext;
}

interface NewToken extends Parts {
  name: string;
  role: Role;
  /** In ms from now. */
  expires?: number;
  json?: boolean;
}

export async function createToken({ name, role, expires, json = false, config, context }: NewToken): Promise<void> {
  await using opened = await open(config);
  const end = expires === undefined ? undefined : new Date(Date.now() + expires);
  const { token, info } = await opened.tokens.create({ name, role, expires: end });
  const details = { name, role, ...(end === undefined ? {} : { expires: end.toISOString() }) };
  opened.audit.record({ principal: LOCAL, action: "token.create", target: info.id, outcome: "ok", details });
  if (json) printJson(context, { ...info, token });
  else print(context, token);
  context.stderr.write(`${describeNewToken(info, config.access.enabled)}\n`);
}

export async function listTokens({ json, config, context }: Parts & { json: boolean }): Promise<void> {
  await using opened = await open(config);
  const tokens = await opened.tokens.list();
  if (json) printJson(context, tokens);
  else print(context, tokenTable(tokens, new Date()));
}

/** @throws {WorkerError} `token-not-found` */
export async function revokeTokens({ ids, config, context }: Parts & { ids: readonly string[] }): Promise<void> {
  await using opened = await open(config);
  for (const id of ids) {
    if (!(await opened.tokens.revoke(id))) throw notFound(id);
    opened.audit.record({ principal: LOCAL, action: "token.revoke", target: id, outcome: "ok" });
    print(context, `revoked ${id}`);
  }
}

interface Opened extends AsyncDisposable {
  readonly tokens: Tokens;
  readonly audit: AuditLog;
}

async function open(config: Config): Promise<Opened> {
  await using scope = new Scope();
  const store = scope.use(await openAccessStore(config));
  const audit = scope.use(await openAuditLog(config));
  const all = scope.move();
  return { tokens: new Tokens(store.tokens), audit, [Symbol.asyncDispose]: () => all[Symbol.asyncDispose]() };
}

function notFound(id: string): WorkerError {
  const message = `there is no token ${JSON.stringify(id)}; "boxcar token list" shows those there are`;
  return new WorkerError(message, { code: "token-not-found", blame: "task" });
}
