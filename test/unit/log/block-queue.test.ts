import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockQueue } from "../../../src/log/block-queue.ts";

describe("BlockQueue", () => {
  it("gives back what was put in, in order, while its blocks are used again and again", () => {
    const sizes = fc.array(fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 400_000 })), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 5 }), (rounds) => {
        const queue = new BlockQueue();
        for (const [round, pieces] of rounds.entries()) {
          const chunks = pieces.map((size, i) => Buffer.alloc(size, round * 16 + i));
          for (const chunk of chunks) queue.push(chunk);
          const whole = Buffer.concat(chunks);
          expect(queue.sizeBytes).toBe(whole.length);
          const blocks = queue.take();
          expect(Buffer.concat(blocks).equals(whole)).toBe(true);
          expect(queue.sizeBytes).toBe(0);
          queue.release(blocks);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("keeps what waits while another part is being written", () => {
    const queue = new BlockQueue();
    queue.push(Buffer.from("one"));
    const first = queue.take();
    queue.push(Buffer.from("two"));
    expect(Buffer.concat(first).toString()).toBe("one");
    queue.release(first);
    queue.push(Buffer.from("three"));
    expect(Buffer.concat(queue.take()).toString()).toBe("twothree");
  });

  it("copies, so that what was put in may be changed", () => {
    const queue = new BlockQueue();
    const bytes = Buffer.from("one");
    queue.push(bytes);
    bytes.fill("x");
    expect(Buffer.concat(queue.take()).toString()).toBe("one");
  });
});
