import { describe, expect, it } from "vitest";
import { WorkerError } from "../../../../src/base/errors.ts";
import { toApiError, withoutPaths } from "../../../../src/web/api/api-error.ts";
import { requireFlat } from "../../../../src/web/api/json-depth.ts";

describe("what clients are told", () => {
  it.each([
    ["ENOENT: no such file or directory, open '/var/lib/boxcar/x'", "ENOENT: no such file or directory, open '…'"],
    ["the disk of /var/lib/boxcar has 5 MiB left", "the disk of … has 5 MiB left"],
    ["GET https://example.com/a/b/c says 404", "GET https://example.com/a/b/c says 404"],
    ["1/2 of it, or and/or/none", "1/2 of it, or and/or/none"],
  ])("does not say where things are on a host: %s", (text, told) => {
    expect(withoutPaths(text)).toBe(told);
  });

  it("keeps the code of what a part below says, and nothing of what nobody expected", () => {
    const known = new WorkerError("QEMU is not at /usr/bin/qemu", { code: "qemu-missing", blame: "host" });
    expect(toApiError(known)).toMatchObject({ status: 500, code: "qemu-missing", message: "QEMU is not at …" });
    const bug = Object.assign(new TypeError("x is not a function"), { code: "ERR_X" });
    expect(toApiError(bug)).toMatchObject({ status: 500, code: "internal-error" });
    expect(toApiError(bug).message).not.toContain("function");
  });

  it.each(["vm-limits", "snapshots-full", "snapshot-exists", "vm-busy"])(
    "%s is about what there is, and no mistake",
    (code) => {
      expect(toApiError(new WorkerError("there is no room", { code, blame: "task" }))).toMatchObject({
        status: 409,
        code,
      });
    },
  );
});

describe("JSON", () => {
  it("is not too deep, and may be wide", () => {
    const deep = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;
    expect(() => requireFlat(deep(64))).not.toThrow();
    expect(() => requireFlat(deep(66))).toThrow("64 deep");
    expect(() => requireFlat(deep(400_000))).toThrow("64 deep");
    expect(() => requireFlat({ a: Array.from({ length: 200_000 }, () => 1) })).not.toThrow();
  });
});
