import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { decompressorOf, unpackedName } from "../../../../src/builder/debian/compression.ts";

it.each(["xz", "zstd"])("what %s has packed is unpacked by it", (program) => {
  const packed = execFileSync(program, ["-cq"], { input: "a kernel" });
  const [unpacker, ...args] = decompressorOf(packed) ?? [];
  expect(unpacker).toBe(program);
  expect(execFileSync(program, args, { input: packed }).toString()).toBe("a kernel");
});

it("what nothing has packed, or something unknown, has no program", () => {
  expect(decompressorOf(Buffer.from("\x7fELF\x02\x01"))).toBeUndefined();
  expect(decompressorOf(Buffer.alloc(0))).toBeUndefined();
});

it.each([
  ["kernel/fs/ext4/ext4.ko.xz", "kernel/fs/ext4/ext4.ko"],
  ["ext4.ko.zst", "ext4.ko"],
  ["ext4.ko", "ext4.ko"],
])("%s is %s", (file, name) => expect(unpackedName(file)).toBe(name));
