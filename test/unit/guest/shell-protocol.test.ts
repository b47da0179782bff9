import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeShellMessage,
  parseShellInput,
  parseShellOutput,
  SHELL_BLOCK_BYTES,
  type ShellInput,
  type ShellOutput,
  ShellProtocolError,
} from "../../../src/guest/shell-protocol.ts";

const u16 = fc.integer({ min: 0, max: 0xffff });
const count = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 100 });
const output = fc.constantFrom("stdout", "stderr");

const inputs: fc.Arbitrary<ShellInput> = fc.oneof(
  fc.record({ type: fc.constant("data"), stream: fc.constant("stdin"), bytes }),
  fc.record({ type: fc.constant("ack"), stream: output, count }),
  fc.record({ type: fc.constant("size"), columns: u16, rows: u16 }),
  fc.constant({ type: "abort" } as const),
);

const outputs: fc.Arbitrary<ShellOutput> = fc.oneof(
  fc.record({ type: fc.constant("data"), stream: output, bytes }),
  fc.record({ type: fc.constant("ack"), stream: fc.constant("stdin"), count }),
  fc.record({ type: fc.constant("exit"), success: fc.boolean() }),
);

describe("the messages of a shell", () => {
  it.each([
    [{ type: "data", stream: "stdin", bytes: Buffer.from("ls") }, "00006c73"],
    [{ type: "data", stream: "stderr", bytes: Buffer.alloc(0) }, "0002"],
    [{ type: "ack", stream: "stdout", count: 0x01020304 }, "010101020304"],
    [{ type: "size", columns: 80, rows: 513 }, "0300500201"],
    [{ type: "abort" }, "04"],
    [{ type: "exit", success: true }, "0500"],
    [{ type: "exit", success: false }, "0501"],
  ] as const)("are those of taskcluster-worker: %j", (message, hex) => {
    expect(encodeShellMessage(message).toString("hex")).toBe(hex);
  });

  it("are read as they were written, by the side they are for", () => {
    const same = (parsed: ShellInput | ShellOutput, message: ShellInput | ShellOutput) => {
      expect(encodeShellMessage(parsed)).toEqual(encodeShellMessage(message));
    };
    fc.assert(fc.property(inputs, (message) => same(parseShellInput(encodeShellMessage(message)), message)));
    fc.assert(fc.property(outputs, (message) => same(parseShellOutput(encodeShellMessage(message)), message)));
  });

  it("are refused from the side they are not for", () => {
    const refused = (parse: () => unknown) => {
      expect(parse).toThrow(ShellProtocolError);
    };
    fc.assert(fc.property(inputs, (message) => refused(() => parseShellOutput(encodeShellMessage(message)))));
    fc.assert(fc.property(outputs, (message) => refused(() => parseShellInput(encodeShellMessage(message)))));
  });

  it("are the only ones: whatever else comes is refused, and nothing else is thrown", () => {
    const head = fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 4 }));
    const frames = fc.tuple(head, fc.uint8Array({ maxLength: 8 })).map(([start, rest]) => Buffer.of(...start, ...rest));
    for (const parse of [parseShellInput, parseShellOutput]) {
      fc.assert(
        fc.property(fc.oneof(frames, fc.uint8Array({ maxLength: 8 })), (frame) => {
          try {
            expect(encodeShellMessage(parse(frame))).toEqual(Buffer.from(frame));
          } catch (error) {
            expect(error).toBeInstanceOf(ShellProtocolError);
          }
        }),
        { numRuns: 1_000 },
      );
    }
  });

  it.each([
    ["empty", ""],
    ["of the unknown type 2", "0200"],
    ["of the unknown type 255", "ff"],
    ["data of no stream", "00"],
    ["data of an unknown stream", "000361"],
    ["an ack that is short", "010100"],
    ["an ack that is long", "01010000000000"],
    ["a size that is short", "03005000"],
    ["an abort with more", "0400"],
    ["an exit without a result", "05"],
    ["an exit with an unknown result", "0502"],
  ])("are refused when they are %s", (_what, hex) => {
    for (const parse of [parseShellInput, parseShellOutput]) {
      expect(() => parse(Buffer.from(hex, "hex"))).toThrow(ShellProtocolError);
    }
  });

  it("carry a block at most", () => {
    const block = (length: number) => Buffer.concat([Buffer.of(0, 1), Buffer.alloc(length, 1)]);
    expect(parseShellOutput(block(SHELL_BLOCK_BYTES))).toMatchObject({ type: "data" });
    expect(() => parseShellOutput(block(SHELL_BLOCK_BYTES + 1))).toThrow(ShellProtocolError);
    const data = { type: "data", stream: "stdin", bytes: Buffer.alloc(SHELL_BLOCK_BYTES + 1) } as const;
    expect(() => encodeShellMessage(data)).toThrow(RangeError);
  });

  it("are read from a part of a buffer", () => {
    const whole = Buffer.from("ffff0101000000ff", "hex");
    expect(parseShellInput(whole.subarray(2, 8))).toEqual({ type: "ack", stream: "stdout", count: 255 });
  });
});
