/** Running and ending programs in a guest, beside its task. */
import type { IncomingMessage } from "node:http";
import type { ActionBoard, ActionOptions } from "./action-board.ts";
import { MAX_JSON_BYTES, throwIfRefused } from "./file-actions.ts";
import { GuestError } from "./guest-errors.ts";
import { readJson } from "./request-body.ts";

const DEFAULT_MAX_OUTPUT_BYTES = 1_024 * 1_024;
const DEFAULT_GRACE_MS = 5_000;
/** What the guest may need for SIGKILL and the answer. */
const KILL_SLACK_MS = 30_000;

export interface ExecCommand {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Added to the environment the image gives. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly user?: string;
  readonly tty?: boolean;
}

export interface ExecOptions extends ActionOptions {
  /** More output than this is read but not kept; default 1 MiB. */
  maxOutputBytes?: number;
  /** Called with all of the output as it comes. */
  onOutput?: (chunk: Buffer) => void;
}

export interface ExecResult {
  /** As a shell has it: 127 for a command that does not exist, 128 + N after signal N. */
  readonly exitCode: number;
  readonly signal: string | undefined;
  /** stdout and stderr in the order they were written. */
  readonly output: Buffer;
  readonly truncated: boolean;
}

export interface KillOptions extends ActionOptions {
  /** Between SIGTERM and SIGKILL; default 5 s; 0: SIGKILL at once. */
  graceMs?: number;
}

/** Runs until the command ends or the signal fires, which also ends the command and all its children. */
export async function exec(board: ActionBoard, command: ExecCommand, options: ExecOptions): Promise<ExecResult> {
  return board.start(
    { type: "exec", ...command },
    async (request, resolve) => {
      throwIfRefused(request, "the output of a command");
      const output = await readOutput(request, options);
      const exitCode = Number(request.trailers["x-boxcar-exit-code"]);
      if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) {
        throw new GuestError("guest-protocol-error", "the guest did not say how the command ended");
      }
      resolve({ exitCode, signal: request.trailers["x-boxcar-signal"], ...output });
    },
    options,
  );
}

async function readOutput(
  request: IncomingMessage,
  { maxOutputBytes: maxBytes = DEFAULT_MAX_OUTPUT_BYTES, onOutput }: ExecOptions,
): Promise<{ output: Buffer; truncated: boolean }> {
  const chunks: Buffer[] = [];
  let kept = 0;
  let truncated = false;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      onOutput?.(chunk);
      const part = chunk.subarray(0, maxBytes - kept);
      kept += part.length;
      truncated ||= part.length < chunk.length;
      if (part.length > 0) chunks.push(part);
    }
  } catch (cause) {
    throw new GuestError("guest-transfer-broken", "the guest broke off while the command was running", { cause });
  }
  return { output: Buffer.concat(chunks), truncated };
}

/**
 * Ends the task's command and everything it started. The guest then reports the task as failed by itself.
 *
 * @returns how many processes there were, and how many are left: normally none; undefined where the guest's tools do
 *   not say.
 */
export async function killProcess(
  board: ActionBoard,
  options: KillOptions,
): Promise<{ found: number | undefined; left: number | undefined }> {
  const { graceMs = DEFAULT_GRACE_MS, timeoutMs = graceMs + KILL_SLACK_MS, signal } = options;
  return board.start(
    { type: "kill-process", graceMs },
    async (request, resolve) => {
      throwIfRefused(request, "the processes of the task");
      const body = await readJson(request, MAX_JSON_BYTES);
      const { found, left } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
      resolve({ found: countOf(found), left: countOf(left) });
    },
    { signal, timeoutMs },
  );
}

/** Has the command that is held at its end be gone; where none is, that is no fault. */
export async function letGo(board: ActionBoard, options: ActionOptions): Promise<void> {
  return board.start(
    { type: "let-go" },
    async (request, resolve) => {
      throwIfRefused(request, "the command");
      await readJson(request, MAX_JSON_BYTES);
      resolve();
    },
    options,
  );
}

function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
