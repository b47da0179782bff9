/** What every command is given: the world outside, so that no command reaches for it. */
import type { Readable, Writable } from "node:stream";
import type { Config } from "../config/config.ts";
import type { Surroundings } from "../config/host-facts.ts";
import { printable, printableJson } from "./printable.ts";

export interface CliContext {
  readonly cwd: string;
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Writable & { isTTY?: boolean };
  readonly stderr: Writable & { isTTY?: boolean };
  /** Fires at SIGINT and SIGTERM; the reason is a Cancellation. */
  readonly signal: AbortSignal;
  /** Fires when a second one of them comes: for what takes its time to end at the first. */
  readonly hurry: AbortSignal;
  /** What has a say in the configuration beside its file. */
  readonly surroundings: Surroundings;
  /** @param file What `--config` names. */
  readonly loadConfig: (file: string | undefined) => Promise<Config>;
  readonly setExitCode: (code: number) => void;
}

/** What the process tells its caller. */
export const EXIT = { ok: 0, failed: 1, usage: 2, exception: 3, interrupted: 130 } as const;

export function print(context: CliContext, text: string): void {
  context.stdout.write(`${printable(text)}\n`);
}

export function printJson(context: CliContext, value: unknown): void {
  context.stdout.write(`${printableJson(JSON.stringify(value))}\n`);
}
