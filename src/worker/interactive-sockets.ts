/** Puts the addresses of a machine among the artifacts of its run, while it runs. */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SOCKETS_NAME } from "../feature/artifacts/reserved-names.ts";
import type { LiveMachine } from "../feature/interactive/live-machine.ts";
import { SOCKETS_CONTENT_TYPE, socketsFile } from "../feature/interactive/sockets-file.ts";
import type { ArtifactDestination } from "../queue/driver.ts";

export interface SocketsOptions {
  destination: ArtifactDestination;
  machine: LiveMachine;
  /** Where this worker is reached. */
  origin: string;
  secret: string;
  /** Of the run; private. */
  directory: string;
  expires: Date;
  signal: AbortSignal;
}

/** @throws {QueueError} */
export async function putSockets(options: SocketsOptions): Promise<void> {
  const { destination, machine, origin, secret, directory, expires, signal } = options;
  const text = socketsFile(origin, secret, machine);
  const file = join(directory, "sockets.json");
  await writeFile(file, text, { mode: 0o600 });
  const sha256 = createHash("sha256").update(text).digest("hex");
  const content = { file, sizeBytes: Buffer.byteLength(text), sha256, contentType: SOCKETS_CONTENT_TYPE };
  await destination.putFile({ name: SOCKETS_NAME, ...content, expires }, signal);
}
