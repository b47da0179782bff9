import { expect, it } from "vitest";
import { countDiskOperations } from "../../../src/vm/block-stats.ts";

const stats = (counts: object) => ({ device: "", stats: { rd_bytes: 4_096, failed_rd_operations: 9, ...counts } });

it("adds up what all disks have done: reads, writes, flushes and discards", () => {
  const reply = [
    stats({ rd_operations: 1, wr_operations: 10, flush_operations: 100, unmap_operations: 1_000 }),
    stats({ rd_operations: 5 }),
  ];
  expect(countDiskOperations(reply)).toBe(1_116);
});

it.each([[undefined], [{}], [[null, {}, { stats: null }, stats({ rd_operations: "7" })]]])(
  "counts nothing in %j",
  (reply) => {
    expect(countDiskOperations(reply)).toBe(0);
  },
);
