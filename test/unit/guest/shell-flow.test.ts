import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ShellFlow } from "../../../src/guest/shell-flow.ts";
import { SHELL_WINDOW_BYTES, ShellProtocolError } from "../../../src/guest/shell-protocol.ts";

const data = <S extends string>(stream: S, length: number) =>
  ({ type: "data", stream, bytes: new Uint8Array(length) }) as const;
const ack = <S extends string>(stream: S, count: number) => ({ type: "ack", stream, count }) as const;

describe("the flow of a shell", () => {
  it("lets a window of each stream through, and more when it is acknowledged", () => {
    const flow = new ShellFlow();
    flow.output(data("stdout", SHELL_WINDOW_BYTES));
    flow.output(data("stderr", SHELL_WINDOW_BYTES));
    flow.input(data("stdin", SHELL_WINDOW_BYTES));
    expect(() => flow.output(data("stdout", 1))).toThrow(ShellProtocolError);
    expect(() => flow.input(data("stdin", 1))).toThrow(ShellProtocolError);
    flow.input(ack("stdout", 10));
    flow.output(data("stdout", 10));
    expect(() => flow.output(data("stdout", 1))).toThrow(ShellProtocolError);
    flow.output(ack("stdin", 1));
    flow.input(data("stdin", 1));
  });

  it("refuses to acknowledge what was not sent", () => {
    const flow = new ShellFlow();
    flow.output(data("stdout", 5));
    expect(() => flow.input(ack("stderr", 1))).toThrow(ShellProtocolError);
    expect(() => flow.input(ack("stdout", 6))).toThrow(ShellProtocolError);
    expect(() => flow.output(ack("stdin", 1))).toThrow(ShellProtocolError);
    flow.input(ack("stdout", 5));
  });

  it("lets nothing follow the end of a stream, but acknowledgements", () => {
    const flow = new ShellFlow();
    flow.output(data("stdout", 5));
    flow.output(data("stdout", 0));
    expect(() => flow.output(data("stdout", 0))).toThrow(ShellProtocolError);
    expect(() => flow.output(data("stdout", 1))).toThrow(ShellProtocolError);
    flow.output(data("stderr", 1));
    flow.input(ack("stdout", 5));
    flow.input(data("stdin", 0));
    expect(() => flow.input(data("stdin", 1))).toThrow(ShellProtocolError);
  });

  it("lets nothing of the guest follow the exit", () => {
    const flow = new ShellFlow();
    expect(flow.exited).toBe(false);
    flow.output({ type: "exit", success: true });
    expect(flow.exited).toBe(true);
    expect(() => flow.output(data("stdout", 1))).toThrow(ShellProtocolError);
    expect(() => flow.output({ type: "exit", success: true })).toThrow(ShellProtocolError);
    flow.input({ type: "size", columns: 1, rows: 1 });
  });

  it("never has more than a window on its way, whatever both sides try", () => {
    const step = fc.record({ isData: fc.boolean(), length: fc.integer({ min: 1, max: 20_000 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const flow = new ShellFlow();
        let open = 0;
        for (const { isData, length } of steps) {
          const isAllowed = isData ? open + length <= SHELL_WINDOW_BYTES : length <= open;
          const act = () => (isData ? flow.output(data("stderr", length)) : flow.input(ack("stderr", length)));
          if (!isAllowed) {
            expect(act).toThrow(ShellProtocolError);
            continue;
          }
          act();
          open += isData ? length : -length;
        }
      }),
    );
  });
});
