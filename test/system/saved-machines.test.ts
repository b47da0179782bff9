/** A machine of the default image is saved while a program runs in it; two others go on from there. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { Scope } from "../../src/base/scope.ts";
import { GuestSession } from "../../src/guest/guest-session.ts";
import { createMetadataService } from "../../src/guest/metadata-service.ts";
import { createUpgradeListener } from "../../src/guest/upgrade-listener.ts";
import { createIdentity } from "../../src/guest/wake.ts";
import type { LaunchedMachine } from "../../src/sandbox/launch.ts";
import { Boxcar } from "./boxcar.ts";
import { taskOf } from "./sandboxes.ts";
import { SavableMachines } from "./savable-machines.ts";

const PATIENCE = { timeout: 60_000, interval: 50 };
/** A process that is one and the same, a file in memory and a file on the disk; all of it is told to the console. */
const COUNT = `echo own > /dev/shm/f; i=0
while :; do i=$((i+1)); echo $i > /count; echo "count $i of $$ $(cat /dev/shm/f) $(cat /count)" > /dev/console; sleep 0.1; done`;

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
});

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

function lastCount({ vm }: LaunchedMachine): { count: number; pid: string } {
  const [, count, pid, copy] = [...vm.console.tail.matchAll(/count (\d+) of (\d+) own (\d+)/g)].at(-1) ?? [];
  expect(copy).toBe(count);
  return { count: Number(count ?? 0), pid: pid ?? "" };
}

async function countsBeyond(machine: LaunchedMachine, count: number): Promise<{ count: number; pid: string }> {
  await vi.waitFor(() => expect(lastCount(machine).count).toBeGreaterThan(count), PATIENCE);
  return lastCount(machine);
}

it("goes on, and so do two copies of it, with the same process in each", async () => {
  await using scope = new Scope();
  const machines = await SavableMachines.open(boxcar, scope);
  const original = await machines.launch();
  await using _original = original.vm;
  await using guest = new GuestSession({
    ...{ task: taskOf(COUNT), log: new PassThrough().resume(), maxLogBytes: 1_000_000, onLogLimit: () => {} },
  });
  original.network.setHandler(createMetadataService(guest, { agentFile: () => undefined, cloudInit: undefined }));
  original.network.setUpgradeHandler(createUpgradeListener(guest));
  await original.vm.resume();
  original.wakeLine.wake(createIdentity("a-task"));
  const before = await countsBeyond(original, 3);

  const saved = await machines.save(original, "counting");
  await expect(machines.store.remove(machines.digest)).rejects.toMatchObject({ code: "image-in-use" });
  await countsBeyond(original, before.count + 3);

  await using lease = await machines.snapshots.acquire(saved.id);
  const copies = await machines.copy(lease.saved, 2);
  await using _first = copies[0]?.vm as LaunchedMachine["vm"];
  await using _second = copies[1]?.vm as LaunchedMachine["vm"];
  for (const copy of copies) await copy.vm.resume();
  for (const copy of copies) {
    // The very process, which counts on from where it was.
    const { pid, count } = await countsBeyond(copy, 0);
    expect(pid).toBe(before.pid);
    expect(count).toBeGreaterThanOrEqual(before.count);
    await countsBeyond(copy, count + 3);
  }
  await countsBeyond(original, lastCount(original).count);
  const all = [original, ...copies].map(({ savable }) => savable ?? expect.fail("it cannot be saved"));
  const files = await Promise.all(all.flatMap(({ memoryFile, disk }) => [stat(memoryFile), stat(disk.file)]));
  expect(new Set(files.map(({ ino }) => ino)).size).toBe(6);
  expect(await machines.snapshots.find(saved.id)).toMatchObject({ kind: "machine", id: saved.id });
  expect(await readdir(join(boxcar.directory, "state/snapshots/staging"))).toEqual([]);
});
