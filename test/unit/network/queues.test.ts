import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReceiveQueue } from "../../../src/network/user/tcp/receive-queue.ts";
import { SendQueue } from "../../../src/network/user/tcp/send-queue.ts";

const chunk = fc.uint8Array({ maxLength: 50 }).map((data) => Buffer.from(data));
/** Around what counts as small, and around what is put together. */
const largeChunk = fc.integer({ min: 900, max: 9_000 }).map((size) => Buffer.alloc(size, `${size};`));

describe("SendQueue", () => {
  const step = fc.oneof(
    fc.record({ append: fc.oneof({ weight: 3, arbitrary: chunk }, largeChunk) }),
    fc.record({ drop: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({
      copy: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    }),
  );

  it("behaves like one long buffer", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new SendQueue();
        let model = Buffer.alloc(0);
        for (const action of steps) {
          if ("append" in action) {
            queue.append(action.append);
            model = Buffer.concat([model, action.append]);
          } else if ("drop" in action) {
            const count = Math.floor(action.drop * model.length);
            queue.drop(count);
            model = model.subarray(count);
          } else {
            const from = Math.floor(action.copy[0] * model.length);
            const length = Math.floor(action.copy[1] * (model.length - from));
            const out = Buffer.alloc(length);
            queue.copy(out, from, length);
            expect(out).toEqual(model.subarray(from, from + length));
          }
          expect(queue.length).toBe(model.length);
        }
      }),
    );
  });

  it("keeps neither small chunks alive nor what they are part of, and does not copy large ones", () => {
    const queue = new SendQueue();
    const [small, large] = [Buffer.alloc(64 * 1_024, "s").subarray(100, 103), Buffer.alloc(4_096, "l")];
    queue.append(small);
    queue.append(large);
    small.fill("x");
    large.fill("y");
    const out = Buffer.alloc(5);
    queue.copy(out, 0, 5);
    expect(out.toString()).toBe("sssyy");
  });

  it("refuses to go beyond its end", () => {
    const queue = new SendQueue();
    queue.append(Buffer.from("abc"));
    expect(() => queue.copy(Buffer.alloc(4), 0, 4)).toThrow(RangeError);
    expect(() => queue.drop(4)).toThrow(RangeError);
  });
});

describe("ReceiveQueue", () => {
  it("gives out what came in, in order, whatever the sizes", () => {
    const part = fc.oneof(
      chunk,
      fc.integer({ min: 1_000, max: 40_000 }).map((size) => Buffer.alloc(size, size % 251)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(part, fc.boolean()), { maxLength: 40 }), (parts) => {
        const queue = new ReceiveQueue();
        const taken: Buffer[] = [];
        for (const [bytes, take] of parts) {
          queue.append(bytes);
          if (take) taken.push(queue.take() ?? Buffer.alloc(0));
        }
        for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next);
        expect(queue.length).toBe(0);
        expect(Buffer.concat(taken).equals(Buffer.concat(parts.map(([bytes]) => bytes)))).toBe(true);
      }),
    );
  });

  it("does not keep the chunk alive that a segment came in", () => {
    const queue = new ReceiveQueue();
    queue.append(Buffer.alloc(64 * 1_024).subarray(100, 101));
    expect(queue.take()?.buffer.byteLength).toBe(1);
  });
});
