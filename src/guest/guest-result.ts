/** What a guest says of the end of its task. */
import { ServiceError } from "./service-error.ts";

export interface GuestResult {
  readonly success: boolean;
  /** As a shell has it, 128 + N after signal N; undefined if the guest did not say. */
  readonly exitCode?: number;
  /** `SIGKILL` …, if a signal ended the command. */
  readonly signal?: string;
  /** Why the command could not be started, as a sentence; it is in the task's log too. */
  readonly error?: string;
  /** The command stands still at its end, with all that it had. */
  readonly held?: true;
}

const MAX_ERROR_LENGTH = 2_000;
const SIGNAL_NAME = /^SIG[A-Z0-9]{2,12}$/;

function invalid(what: string): ServiceError {
  return new ServiceError("InvalidPayload", what);
}

function parseExitCode(value: unknown, success: boolean): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw invalid("exitCode must be a whole number");
  }
  if (success !== (value === 0)) throw invalid(`exitCode ${value} contradicts the end-point`);
  return value;
}

/**
 * Reads the body of PUT /engine/v1/success or /failed; other guest tools send none.
 *
 * @throws {ServiceError} `InvalidPayload`
 */
export function parseGuestResult(success: boolean, body: unknown): GuestResult {
  if (body === undefined) return { success };
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("the body must be an object");
  const { exitCode: code, signal, error, held } = body as Readonly<Record<string, unknown>>;
  const exitCode = parseExitCode(code, success);
  if (signal !== undefined && (typeof signal !== "string" || !SIGNAL_NAME.test(signal))) {
    throw invalid("signal must be the name of a signal");
  }
  if (error !== undefined && typeof error !== "string") throw invalid("error must be a text");
  return {
    success,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    ...(error === undefined ? {} : { error: printable(error) }),
    ...(held === true && !success ? { held } : {}),
  };
}

function printable(text: string): string {
  return text.slice(0, MAX_ERROR_LENGTH).replaceAll(/\p{Cc}/gu, " ");
}
