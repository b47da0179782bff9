/**
 * One viewer of the serial console of a machine that stays.
 *
 *   joined ──the machine ends──▶ close 1000
 *          ──the viewer sends text──▶ close 1008
 *          ──the viewer is gone──▶ over
 *
 * Each side waits for the other. With `view` what is typed goes nowhere.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as after } from "node:timers/promises";
import type { WebSocket } from "ws";
import { codeOf, messageOf } from "../../../base/errors.ts";
import type { DisplayMode } from "../../../rfb/client-filter.ts";
import { closeSocket } from "../../api/close-socket.ts";
import type { AllowedUse } from "../machine-access.ts";
import { beginSession, type SessionAudit } from "../session-audit.ts";
import type { VmUse } from "./vm-use.ts";

/** What somebody types or pastes at once. */
export const MAX_CONSOLE_MESSAGE_BYTES = 64 * 1_024;
/** Waiting for a viewer. */
const MAX_UNSENT_BYTES = 256 * 1_024;
/** Waiting for the machine. */
const MAX_UNREAD_BYTES = 128 * 1_024;
/** A machine hangs up before it is known that it has ended. */
const END_MS = 2_000;
/** Full: others look already. */
const BUSY: readonly (string | undefined)[] = ["too-many-viewers", "vm-busy"];

/** Never rejects. */
export async function serveConsole(
  client: WebSocket,
  { machine, target, mode, principal }: AllowedUse<Pick<VmUse, "openConsole" | "ended">>,
  request: IncomingMessage,
  audit: SessionAudit,
): Promise<void> {
  try {
    const console = await machine.openConsole();
    const end = beginSession(audit, { kind: "console", mode, principal, target, request });
    await join(client, console, { mode, ended: machine.ended });
    end();
  } catch (error) {
    closeSocket(client, BUSY.includes(codeOf(error)) ? 1_013 : 1_011, messageOf(error));
  }
}

interface Joined {
  readonly mode: DisplayMode;
  readonly ended: Promise<void>;
}

/** Resolves when both are closed; never rejects. */
async function join(client: WebSocket, console: Duplex, { mode, ended }: Joined): Promise<void> {
  console.on("error", () => {});
  console.on("drain", () => client.resume());
  console.on("data", (bytes: Buffer) => {
    client.send(bytes, { binary: true }, () => {
      if (client.bufferedAmount < MAX_UNSENT_BYTES / 2) console.resume();
    });
    if (client.bufferedAmount > MAX_UNSENT_BYTES) console.pause();
  });
  client.on("message", (bytes: Buffer, isBinary: boolean) => {
    if (!isBinary) {
      client.removeAllListeners("message");
      closeSocket(client, 1_008, "messages of a console are binary");
      console.destroy();
    } else if (mode === "control" && !console.write(bytes) && console.writableLength > MAX_UNREAD_BYTES) client.pause();
  });
  const gone = new Promise<void>((resolve) => {
    client.once("close", () => resolve());
    if (client.readyState === client.CLOSED) resolve();
  });
  const hungUp = new Promise<void>((resolve) => console.once("close", () => resolve()));
  await Promise.race([gone, hungUp]);
  if (client.readyState === client.OPEN) {
    const hasEnded = await Promise.race([ended.then(() => true), gone, after(END_MS, false, { ref: false })]);
    if (hasEnded === true) closeSocket(client, 1_000, "the machine has ended");
    else closeSocket(client, 1_011, "the connection to the console is lost");
  }
  console.destroy();
  await Promise.all([gone, hungUp]);
}
