import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { currentOwner, formatOwner, isAlive, tryParseOwner } from "../../../src/host/owner.ts";

describe("owner", () => {
  it("finds this process alive and survives being written to a file name", async () => {
    const owner = await currentOwner();
    expect(owner.pid).toBe(process.pid);
    expect(await isAlive(owner)).toBe(true);
    expect(tryParseOwner(formatOwner(owner))).toEqual(owner);
    expect(formatOwner(owner)).toMatch(/^[0-9a-f-]+$/);
  });

  it("finds another process with the same pid, and one of an earlier boot, dead", async () => {
    const owner = await currentOwner();
    expect(await isAlive({ ...owner, startTime: owner.startTime - 1 })).toBe(false);
    expect(await isAlive({ ...owner, bootId: "00000000-0000-0000-0000-000000000000" })).toBe(false);
  });

  it("finds a process dead once it was killed, and reads names with parentheses and spaces", async () => {
    // The kernel takes the name from the file; a shell can be renamed through /proc.
    const child = spawn("sh", ["-c", 'printf ") S 1 (x" > /proc/self/comm; echo ready; read line'], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const stat = await readFile(`/proc/${child.pid}/stat`, "utf8");
    const startTime = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    const owner = { ...(await currentOwner()), pid: child.pid as number, startTime };
    expect(await isAlive(owner)).toBe(true);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await isAlive(owner)).toBe(false);
  });

  it("parses nothing else", () => {
    for (const text of ["", "1-2", "x-1-00000000-0000-0000-0000-000000000000", "1-2-../../etc/passwd"]) {
      expect(tryParseOwner(text)).toBeUndefined();
    }
  });
});
