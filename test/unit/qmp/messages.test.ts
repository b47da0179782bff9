import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeCommand, QmpDecoder } from "../../../src/qmp/messages.ts";

const STREAM = [
  '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "x"}, "capabilities": ["oob"]}}',
  '{"return": {"status": "running"}, "id": 4}',
  '{"error": {"class": "GenericError", "desc": "no"}, "id": 5}',
  '{"timestamp": {"seconds": 2, "microseconds": 500000}, "event": "SHUTDOWN", "data": {"guest": true}}',
  "",
].join("\r\n");

const MESSAGES = [
  { kind: "greeting", version: "7.2.22" },
  { kind: "return", id: 4, value: { status: "running" } },
  { kind: "error", id: 5, errorClass: "GenericError", description: "no" },
  { kind: "event", event: { name: "SHUTDOWN", data: { guest: true }, atMs: 2_500 } },
];

describe("QmpDecoder", () => {
  it("reads the same messages wherever the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: STREAM.length })), (cuts) => {
        const decoder = new QmpDecoder();
        const bounds = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        const messages = bounds.slice(1).flatMap((end, i) => decoder.push(Buffer.from(STREAM.slice(bounds[i], end))));
        expect(messages).toEqual(MESSAGES);
      }),
    );
  });

  it.each(["hello", "[1]", "{}", '"x"'])("refuses %s, which is no message", (line) => {
    expect(() => new QmpDecoder().push(Buffer.from(`${line}\n`))).toThrow(
      expect.objectContaining({ code: "qmp-protocol" }),
    );
  });

  it("refuses a line that never ends", () => {
    const decoder = new QmpDecoder();
    const chunk = Buffer.alloc(16 * 1_024 * 1_024, "x");
    expect(() => {
      for (let i = 0; i < 5; i++) decoder.push(chunk);
    }).toThrow(expect.objectContaining({ code: "qmp-protocol" }));
  });
});

describe("encodeCommand", () => {
  it("leaves out arguments that are not there", () => {
    expect(encodeCommand(1, "cont", undefined)).toBe('{"execute":"cont","id":1}\r\n');
    expect(JSON.parse(encodeCommand(2, "x", { a: 1 }))).toEqual({ execute: "x", arguments: { a: 1 }, id: 2 });
  });
});
