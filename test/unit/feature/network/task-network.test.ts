import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { reportOf } from "../../../../src/feature/network/report.ts";
import { TaskNetwork } from "../../../../src/feature/network/task-network.ts";
import type { GuestNetwork } from "../../../../src/network/guest-network.ts";
import { ISOLATED } from "../../../../src/network/policy/network-policy.ts";
import { NO_STATS } from "../../../../src/network/user/counters.ts";

let directory: string;
let file: string;
let notes: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-task-network-"));
  file = join(directory, "network.jsonl");
  notes = [];
});

afterEach(() => rm(directory, { recursive: true }));

const open = () =>
  TaskNetwork.open({
    file,
    policy: ISOLATED,
    bounds: { max: "internet", allow: undefined },
    note: (text) => void notes.push(text),
    mask: (text) => text.replaceAll("hunter2", "***"),
  });

function network(dropped: Record<string, number> = {}): GuestNetwork {
  return { mode: "user", stats: async () => ({ ...NO_STATS, dropped }) } as unknown as GuestNetwork;
}

describe("the network of a task", () => {
  it("leaves a log without secrets, which makes the same report as the network itself", async () => {
    await using task = await open();
    task.attach(network());
    task.note({ kind: "dns", decision: "refused", name: "hunter2.example.org", reason: "A REFUSED: hunter2" });
    task.note({ kind: "dns", decision: "refused", name: "hunter2.example.org", reason: "A REFUSED: hunter2" });
    expect((await task.report()).live).toBe(true);
    await task.finish();
    const log = await readFile(file, "utf8");
    expect(log).not.toContain("hunter2");
    expect(reportOf(log)).toMatchObject({
      mode: "user",
      policy: "isolated",
      counts: { asked: 2, refused: 2 },
      entries: [{ name: "***.example.org", count: 2 }],
    });
    expect(await task.report()).toEqual(reportOf(log));
    expect(notes.at(-1)).toBe("network: 1 name asked, 1 refused");
  });

  it("leaves nothing where nothing was asked for, also not what was there", async () => {
    await writeFile(file, "of an earlier run\n");
    await using task = await open();
    task.attach(network({ unsupported: 5 }));
    await task.finish();
    await expect(readFile(file)).rejects.toThrow("ENOENT");
    expect(notes).toEqual([]);
  });

  it("says that packets were dropped, also where nothing was asked for", async () => {
    await using task = await open();
    task.attach(network({ "spoofed-mac": 5 }));
    await task.finish();
    expect(notes).toEqual(["network: 5 packets dropped (5 spoofed-mac)"]);
  });

  it("leaves a whole log where nobody could ask the network any more", async () => {
    await using task = await open();
    task.attach({
      mode: "namespace",
      stats: () => Promise.reject(new Error("it has ended")),
    } as unknown as GuestNetwork);
    task.note({ kind: "connect", decision: "refused", addresses: ["8.8.8.8"], port: 53, reason: "policy" });
    await task[Symbol.asyncDispose]();
    const report = reportOf(await readFile(file, "utf8"));
    expect(report).toMatchObject({ mode: "namespace", policy: "isolated", counts: { asked: 1, refused: 1 } });
    expect(report).not.toHaveProperty("stats");
    expect(await task.report()).toEqual(report);
  });

  it("remembers what the network had counted before it ended", async () => {
    await using task = await open();
    let ended = false;
    const mortal = {
      mode: "namespace",
      stats: () =>
        ended ? Promise.reject(new Error("it has ended")) : Promise.resolve({ ...NO_STATS, framesFromGuest: 7 }),
    };
    task.attach(mortal as unknown as GuestNetwork);
    task.note({ kind: "connect", decision: "refused", addresses: ["8.8.8.8"], port: 53, reason: "policy" });
    await task.look();
    ended = true;
    await task.finish();
    expect(reportOf(await readFile(file, "utf8")).stats).toMatchObject({ framesFromGuest: 7 });
  });
});
