import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputQueue } from "../../../src/dashboard/features/terminal/input-queue.ts";
import {
  BLOCK_BYTES,
  decodeOutput,
  encodeAbort,
  encodeAck,
  encodeInput,
  encodeSize,
  WINDOW_BYTES,
} from "../../../src/dashboard/features/terminal/shell-codec.ts";
import {
  encodeShellMessage,
  parseShellInput,
  SHELL_BLOCK_BYTES,
  SHELL_WINDOW_BYTES,
  type ShellOutput,
} from "../../../src/guest/shell-protocol.ts";

function asReceived(message: ShellOutput): ArrayBuffer {
  return new Uint8Array(encodeShellMessage(message)).buffer;
}

describe("the messages of a shell in the page", () => {
  it("has the blocks and windows of the other side", () => {
    expect([BLOCK_BYTES, WINDOW_BYTES]).toEqual([SHELL_BLOCK_BYTES, SHELL_WINDOW_BYTES]);
  });

  it("says what the other side understands", () => {
    expect(parseShellInput(encodeSize(132, 43))).toEqual({ type: "size", columns: 132, rows: 43 });
    expect(parseShellInput(encodeAck("stderr", 70_000))).toEqual({ type: "ack", stream: "stderr", count: 70_000 });
    expect(parseShellInput(encodeAbort())).toEqual({ type: "abort" });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const message = parseShellInput(encodeInput(bytes));
        expect(message.type === "data" && Buffer.from(message.bytes)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it("understands what the other side says", () => {
    const bytes = Buffer.from("text");
    expect(decodeOutput(asReceived({ type: "data", stream: "stderr", bytes }))).toEqual({
      ...{ type: "data", stream: "stderr" },
      bytes: new Uint8Array(bytes),
    });
    expect(decodeOutput(asReceived({ type: "ack", stream: "stdin", count: 70_000 }))).toEqual({
      ...{ type: "ack", count: 70_000 },
    });
    expect(decodeOutput(asReceived({ type: "exit", success: true }))).toEqual({ type: "exit", success: true });
    expect(decodeOutput(asReceived({ type: "exit", success: false }))).toEqual({ type: "exit", success: false });
  });

  it("never throws, whatever comes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 9 }), (bytes) => void decodeOutput(new Uint8Array(bytes).buffer)));
  });
});

describe("what is typed", () => {
  it("is sent in order, in blocks, and never more than the window", () => {
    const typed = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40_000 }), { maxLength: 8 });
    fc.assert(
      fc.property(typed, (texts) => {
        const queue = new InputQueue();
        for (const text of texts) expect(queue.add(text)).toBe(true);
        const sent: Uint8Array[] = [];
        for (;;) {
          const round: Uint8Array[] = [];
          for (let block = queue.take(); block !== undefined; block = queue.take()) round.push(block);
          const bytes = round.reduce((sum, { length }) => sum + length, 0);
          expect(bytes).toBeLessThanOrEqual(WINDOW_BYTES);
          for (const { length } of round) expect(length).toBeLessThanOrEqual(BLOCK_BYTES);
          if (bytes === 0) break;
          sent.push(...round);
          queue.acknowledge(bytes);
        }
        expect(Buffer.concat(sent).equals(Buffer.concat(texts))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("is refused when too much of it waits", () => {
    const queue = new InputQueue();
    expect(queue.add(new Uint8Array(4 * 1_024 * 1_024))).toBe(true);
    expect(queue.add(Uint8Array.of(1))).toBe(false);
  });
});
