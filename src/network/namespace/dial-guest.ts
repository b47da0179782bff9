/**
 * Connections to a guest from within its namespace: a process enters it, connects, hands the socket over and ends.
 *
 * The kernel finds the guest's answers a socket by the rule for connections that this host has accepted: the socket is
 * transparent, as those are.
 */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HostProcess } from "../../host/process.ts";
import { ADDRESSING } from "../addressing.ts";
import { dialFailed } from "../dial-failed.ts";
import { tryParseMessage } from "./handles.ts";

export interface DialOptions {
  /** What comes before a command so that it runs in the namespace. */
  readonly enter: readonly string[];
  /** The keeper; absolute. */
  readonly program: string;
  /** Of the guest. */
  readonly port: number;
}

/** @throws {WorkerError} `network-dial-failed` */
export async function dialGuest({ enter, program, port }: DialOptions): Promise<Duplex> {
  let handle: unknown;
  const child = HostProcess.start([...enter, program, "--dial", `tcp,dial,${ADDRESSING.guestAddress},${port}`], {
    onMessage: (raw, received) => {
      if (tryParseMessage(raw) !== undefined) handle = received;
    },
  });
  const { exitCode, stderrTail } = await child.exited;
  if (typeof handle !== "object" || handle === null) {
    throw dialFailed(port, stderrTail.replace(/^.*?: /, "") || `exit code ${exitCode}`);
  }
  const socket = new Socket({ handle, allowHalfOpen: true } as object);
  socket.on("error", () => {});
  return socket;
}
