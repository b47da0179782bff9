import { duplexPair } from "node:stream";
import { describe, expect, it } from "vitest";
import { createMove } from "../../../src/guest/guest-move.ts";
import { createIdentity, WakeLine } from "../../../src/guest/wake.ts";

/** The two ends of a port: the host's, and the guest's. */
function port() {
  const [host, guest] = duplexPair();
  return { line: new WakeLine(host), host, guest };
}

async function isParked({ line }: { line: WakeLine }): Promise<boolean> {
  const settled = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
  return await Promise.race([line.parked.then(() => true), settled]);
}

describe("the wake line", () => {
  it("hears that a guest is parked, however the word is cut", async () => {
    for (const chunks of [["parked\n"], ["par", "ked", "\n"], ["parked\nand more"]]) {
      const ends = port();
      for (const chunk of chunks) ends.guest.write(chunk);
      await expect(ends.line.parked).resolves.toBeUndefined();
    }
  });

  it("takes nothing else for it", async () => {
    for (const text of ["ready\n\n\n", "xparked\n", "PARKED\n"]) {
      const ends = port();
      await new Promise<void>((resolve) => ends.guest.write(text, () => resolve()));
      expect(await isParked(ends)).toBe(false);
    }
  });

  it("reads no more of a guest that writes without end", async () => {
    const ends = port();
    ends.guest.write("parked\n");
    await ends.line.parked;
    while (ends.guest.write(Buffer.alloc(65_536)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ends.guest.writableNeedDrain).toBe(true);
    expect(ends.host.readableFlowing).toBe(false);
  });

  it("hears of it once more after a rehearsal", async () => {
    const ends = port();
    const heard = new Promise<string>((resolve) => ends.guest.on("data", (chunk) => resolve(String(chunk))));
    ends.guest.write("parked\n");
    await ends.line.parked;
    const rehearsal = ends.line.rehearse();
    expect(JSON.parse(await heard)).toMatchObject({ rehearse: true, hostname: "boxcar" });
    expect(await isParked(ends)).toBe(false);
    ends.guest.write("parked\n");
    await expect(rehearsal).resolves.toBeUndefined();
  });

  it("says whether its ids and keys are its own already", async () => {
    const ends = port();
    const heard = new Promise<string>((resolve) => ends.guest.on("data", (chunk) => resolve(String(chunk))));
    ends.line.wake(createIdentity("one"), { booted: true });
    expect(JSON.parse(await heard)).toMatchObject({ booted: true, hostname: "boxcar-one" });
  });

  it("says that its machine goes on somewhere else, and as what", async () => {
    const ends = port();
    const heard = new Promise<string>((resolve) => ends.guest.on("data", (chunk) => resolve(String(chunk))));
    const fork = { checkpoint: "built", index: 1, count: 3 };
    ends.line.move(createMove({ fork }), { hostname: "fork-1" });
    const line = JSON.parse(await heard);
    expect(line).toMatchObject({
      moved: true,
      fork,
      hostname: "fork-1",
      life: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(Object.keys(line).sort()).toEqual(["entropy", "fork", "hostname", "life", "moved", "time"]);
  });

  it("tells each guest something else", async () => {
    const lines: Record<string, unknown>[] = [];
    for (const taskId of ["one", "two"]) {
      const ends = port();
      const heard = new Promise<string>((resolve) => ends.guest.on("data", (chunk) => resolve(String(chunk))));
      ends.line.wake(createIdentity(taskId));
      lines.push(JSON.parse(await heard));
    }
    const [one = {}, two = {}] = lines;
    expect(Object.keys(one).sort()).toEqual(["entropy", "hostname", "machineId", "time"]);
    expect(one["hostname"]).toBe("boxcar-one");
    expect(one["entropy"]).toMatch(/^[0-9a-f]{512}$/);
    expect(one["entropy"]).not.toBe(two["entropy"]);
    expect(one["machineId"]).not.toBe(two["machineId"]);
  });
});

describe("the name of a guest", () => {
  it.each([
    ["fN1SbArXTPSVFNUvaOlinQ", "boxcar-fn1sbarxtpsvfnuvaolinq"],
    ["a_b--C/", "boxcar-a-b-c"],
    ["x".repeat(100), `boxcar-${"x".repeat(56)}`],
    [`${"x".repeat(55)}_${"y".repeat(9)}`, `boxcar-${"x".repeat(55)}`],
    ["___", "boxcar"],
  ])("of task %s is a label", (taskId, hostname) => {
    expect(createIdentity(taskId)).toEqual({ hostname, machineId: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });
});
