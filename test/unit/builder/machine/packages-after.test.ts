import { expect, test } from "vitest";
import { packagesAfter } from "../../../../src/builder/machine/packages-after.ts";

const BEFORE = [
  { name: "bash", version: "1" },
  { name: "linux-image-6.1.0-1-amd64", version: "6" },
  { name: "make", version: "1" },
];
const BOOT = { version: 2, boot: { kernel: "kernel" } } as const;

test("a kernel beside the disk stays in the list, which is that of the guest otherwise", () => {
  const after = packagesAfter({ packages: BEFORE, machine: BOOT }, [
    { name: "bash", version: "2" },
    { name: "zip", version: "3" },
  ]);
  expect(after.map(({ name, version }) => `${name} ${version}`)).toEqual([
    "bash 2",
    "linux-image-6.1.0-1-amd64 6",
    "zip 3",
  ]);
});

test("a kernel on the disk is what the guest says", () => {
  const listed = [{ name: "bash", version: "2" }];
  expect(packagesAfter({ packages: BEFORE, machine: { version: 2 } }, listed)).toEqual(listed);
  const own = [{ name: "linux-image-6.1.0-1-amd64", version: "7" }];
  expect(packagesAfter({ packages: BEFORE, machine: BOOT }, own)).toEqual(own);
});

test("a guest without a list has what was in the image", () => {
  expect(packagesAfter({ packages: BEFORE, machine: BOOT }, [])).toBe(BEFORE);
});
