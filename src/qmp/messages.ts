/**
 * The wire format of QEMU's monitor protocol: one JSON object per line.
 * Pure: no I/O, no state but the bytes of an unfinished line.
 *
 * @see QEMU docs/interop/qmp-spec
 */
import { QmpProtocolError } from "./errors.ts";

export type QmpMessage =
  | { kind: "greeting"; version: string }
  | { kind: "return"; id: unknown; value: unknown }
  | { kind: "error"; id: unknown; errorClass: string; description: string }
  | { kind: "event"; event: QmpEvent };

export interface QmpEvent {
  /** Upper case, for example `SHUTDOWN`. */
  name: string;
  data: Readonly<Record<string, unknown>>;
  /** Host clock, milliseconds since the epoch. */
  atMs: number;
}

/** Longer lines than any reply of QEMU: a peer that sends one is not QEMU. */
const MAX_LINE_BYTES = 64 * 1_024 * 1_024;

export function encodeCommand(id: number, command: string, args: object | undefined): string {
  return `${JSON.stringify({ execute: command, ...(args === undefined ? {} : { arguments: args }), id })}\r\n`;
}

/** Splits a byte stream into messages; the chunks may cut lines anywhere. */
export class QmpDecoder {
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  /** @throws {QmpProtocolError} The stream is not QMP and can't be read any further. */
  push(chunk: Buffer): QmpMessage[] {
    const messages: QmpMessage[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = this.#takeLine(chunk.subarray(start, end));
      start = end + 1;
      if (line !== "") messages.push(parseMessage(line));
    }
    const rest = chunk.subarray(start);
    this.#pendingBytes += rest.length;
    if (this.#pendingBytes > MAX_LINE_BYTES) throw new QmpProtocolError("a line of the monitor is too long");
    if (rest.length > 0) this.#pending.push(rest);
    return messages;
  }

  #takeLine(last: Buffer): string {
    const line = this.#pending.length === 0 ? last : Buffer.concat([...this.#pending, last]);
    this.#pending = [];
    this.#pendingBytes = 0;
    return line.toString("utf8").trim();
  }
}

function parseMessage(line: string): QmpMessage {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch (cause) {
    throw new QmpProtocolError("the monitor sent something that is not JSON", cause);
  }
  if (!isRecord(data)) throw new QmpProtocolError("the monitor sent JSON that is not an object");
  if (isRecord(data["QMP"])) return { kind: "greeting", version: formatVersion(data["QMP"]) };
  if ("return" in data) return { kind: "return", id: data["id"], value: data["return"] };
  if (isRecord(data["error"])) {
    const { class: errorClass, desc } = data["error"];
    return { kind: "error", id: data["id"], errorClass: String(errorClass), description: String(desc) };
  }
  if (typeof data["event"] === "string") return { kind: "event", event: parseEvent(data["event"], data) };
  throw new QmpProtocolError("the monitor sent an object that is no message of its protocol");
}

function parseEvent(name: string, message: Record<string, unknown>): QmpEvent {
  const stamp = isRecord(message["timestamp"]) ? message["timestamp"] : {};
  const { seconds, microseconds } = stamp;
  return {
    name,
    data: isRecord(message["data"]) ? message["data"] : {},
    atMs: Number(seconds ?? 0) * 1_000 + Number(microseconds ?? 0) / 1_000,
  };
}

function formatVersion(greeting: Record<string, unknown>): string {
  const version = isRecord(greeting["version"]) ? greeting["version"] : {};
  const { major, minor, micro } = isRecord(version["qemu"]) ? version["qemu"] : {};
  return [major, minor, micro].map((part) => String(part ?? 0)).join(".");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
