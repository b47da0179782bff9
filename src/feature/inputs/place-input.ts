/** Puts one input into a guest. */
import { posix } from "node:path";
import type { Readable } from "node:stream";
import type { GuestSession } from "../../guest/guest-session.ts";
import { InputError } from "./errors.ts";

export interface PlacedInput {
  /** In the guest; of an archive to unpack, the folder. */
  readonly path: string;
  readonly mode: number;
  /** Undefined: the default of the image. */
  readonly user: string | undefined;
  readonly extract: boolean;
  readonly content: Uint8Array | Readable;
  readonly sizeBytes: number;
}

/** Of an emulated machine whose disk is slow. */
const MIN_BYTES_PER_MS = 1_024;
const PATIENCE_MS = 60_000;
const MAX_OUTPUT_BYTES = 500;

/** Its folder belongs to the user of the input, so nobody else's file is in the way. */
const ARCHIVE_NAME = ".boxcar-input";

/** @throws {@link GuestError}; {@link InputError} `input-not-extracted`; `signal.reason` */
export async function placeInput(guest: GuestSession, input: PlacedInput, signal: AbortSignal): Promise<void> {
  const { path, mode, content, sizeBytes, extract } = input;
  const user = input.user === undefined ? {} : { user: input.user };
  // The guest answers when it has all of the file.
  const timeoutMs = PATIENCE_MS + sizeBytes / MIN_BYTES_PER_MS;
  const target = extract ? posix.join(path, ARCHIVE_NAME) : path;
  await guest.putFile(target, content, { mode, ...user, timeoutMs, signal });
  if (!extract) return;
  await run(["tar", "-x", "-o", "-f", target, "-C", path]);
  await run(["rm", "-f", target]);

  /** The archive is as hostile as the task, so it is for its own machine to unpack it. */
  async function run(command: readonly string[]): Promise<void> {
    const { exitCode, output } = await guest.exec({ command, ...user }, { maxOutputBytes: MAX_OUTPUT_BYTES, signal });
    if (exitCode === 0) return;
    const said = output
      .toString()
      .replaceAll(/\p{Cc}+/gu, " ")
      .trim();
    const message = `the input for ${path} could not be unpacked: ${command[0]} in the guest ended with ${exitCode}`;
    throw new InputError("input-not-extracted", said === "" ? message : `${message}: ${said}`, { exitCode });
  }
}
