/**
 * One viewer of a machine: a websocket and QEMU's RFB, joined.
 *
 *   joined ──the machine ends──▶ close 1000
 *          ──the viewer says what it must not──▶ close 1008
 *          ──the viewer is gone──▶ over
 *
 * Trust boundary: neither side is believed. What the viewer says is taken apart, and only what its mode allows goes on.
 * Each side waits for the other: a slow viewer makes QEMU wait, which then sends less. *Owns* both from the beginning.
 */
import type { Duplex } from "node:stream";
import { setTimeout as after } from "node:timers/promises";
import type { WebSocket } from "ws";
import { messageOf } from "../../base/errors.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { LiveMachine } from "../../feature/interactive/live-machine.ts";
import { type DisplayMode, isPassed } from "../../rfb/client-filter.ts";
import { RfbClientReader } from "../../rfb/client-reader.ts";
import { parseUpdateRequest } from "../../rfb/update-request.ts";
import { closeSocket } from "../api/close-socket.ts";
import { UpdatePacer, updateIntervalMs } from "./update-pacer.ts";

export interface DisplaySession {
  client: WebSocket;
  display: Duplex;
  machine: Pick<LiveMachine, "ended" | "viewers">;
  mode: DisplayMode;
}

/** Waiting for a viewer. */
const MAX_UNSENT_BYTES = 512 * 1_024;
/** Waiting for QEMU. */
const MAX_UNREAD_BYTES = 256 * 1_024;
/** QEMU closes its sockets before it is noticed that it has ended. */
const END_MS = 2_000;

/** Other formats and encodings of pixels: QEMU draws all of the screen anew for each. */
const FORMATS = { perSecond: 5, burst: 50 };

/** Resolves when both are closed; never rejects. */
export async function joinDisplay({ client, display, machine, mode }: DisplaySession): Promise<void> {
  const reader = new RfbClientReader();
  const send = (bytes: Buffer) => {
    if (!display.write(bytes) && display.writableLength > MAX_UNREAD_BYTES) client.pause();
  };
  using pacer = new UpdatePacer({ intervalMs: () => updateIntervalMs(machine.viewers), send });
  const formats = new TokenBucket(FORMATS.perSecond, FORMATS.burst);
  display.on("drain", () => client.resume());
  display.on("error", () => {});
  display.on("data", (bytes: Buffer) => {
    client.send(bytes, { binary: true }, () => {
      if (client.bufferedAmount < MAX_UNSENT_BYTES / 2) display.resume();
    });
    if (client.bufferedAmount > MAX_UNSENT_BYTES) display.pause();
  });
  client.on("message", (data: Buffer, isBinary: boolean) => {
    try {
      if (!isBinary) throw new Error("messages of a display are binary");
      for (const { kind, bytes } of reader.push(data)) {
        if (!isPassed(kind, mode)) continue;
        const isFormat = kind === "pixel-format" || kind === "encodings";
        if (isFormat && !formats.tryTake()) throw new Error("another format of pixels was asked for too often");
        if (kind === "update-request") pacer.request(parseUpdateRequest(bytes));
        else send(bytes);
      }
    } catch (error) {
      client.removeAllListeners("message");
      closeSocket(client, 1_008, messageOf(error));
      display.destroy();
    }
  });
  const gone = new Promise<void>((resolve) => {
    client.once("close", () => resolve());
    if (client.readyState === client.CLOSED) resolve();
  });
  const hungUp = new Promise<void>((resolve) => display.once("close", () => resolve()));
  await Promise.race([gone, hungUp, machine.ended]);
  const hasEnded = await Promise.race([machine.ended.then(() => true), gone, after(END_MS, false, { ref: false })]);
  if (hasEnded === true) closeSocket(client, 1_000, "the machine has ended");
  else closeSocket(client, 1_011, "QEMU has ended the connection to the display");
  display.destroy();
  await Promise.all([gone, hungUp]);
}
