/** A machine of the default image is saved while a program runs in it; two others go on from there. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { GuestSession } from "../../src/guest/guest-session.ts";
import { createMetadataService } from "../../src/guest/metadata-service.ts";
import { createUpgradeListener } from "../../src/guest/upgrade-listener.ts";
import { createIdentity } from "../../src/guest/wake.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import { type LaunchedMachine, type LaunchOptions, launch } from "../../src/sandbox/launch.ts";
import { obtainSnapshot } from "../../src/sandbox/warm-start.ts";
import { recordedMachine } from "../../src/snapshot/restore-machine.ts";
import { saveMachine } from "../../src/snapshot/save-machine.ts";
import { SnapshotStore } from "../../src/snapshot/snapshot-store.ts";
import { resolveMachine } from "../../src/vm/limits.ts";
import { openNetworks } from "../fixtures/network/machine-networks.ts";
import { Boxcar } from "./boxcar.ts";
import { taskOf } from "./sandboxes.ts";

const MEMORY_MIB = 256;
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
  await using store = await ImageStore.open({ directory: boxcar.images });
  await using networks = await openNetworks(boxcar.directory);
  const directory = join(boxcar.directory, "state/snapshots");
  const snapshots = await SnapshotStore.open({ directory, images: store, reserveBytes: 0 });
  await using image = await store.acquire("debian-minimal");
  const machine = resolveMachine(
    { payload: { memory: MEMORY_MIB, cores: 1 }, image: image.image.machine },
    { maxMemory: MEMORY_MIB, maxCPUs: 1, defaultThreads: 1 },
  );
  const options: LaunchOptions = {
    ...{ image, machine, networks, accelerator: "tcg", qemuBinary: "qemu-system-x86_64", agentFile: () => undefined },
    runParent: join(boxcar.directory, "run/m"),
    stateParent: join(boxcar.directory, "state/machines"),
    cacheDirectory: join(boxcar.directory, "state/cache"),
    signal: new AbortController().signal,
  };
  const booted = await obtainSnapshot({ ...options, bootTimeoutMs: 60_000, note: () => {} });
  const original = await launch(options, { kind: "savable", booted });
  await using _original = original.vm;
  await using guest = new GuestSession({
    ...{ task: taskOf(COUNT), log: new PassThrough().resume(), maxLogBytes: 1_000_000, onLogLimit: () => {} },
  });
  original.network.setHandler(createMetadataService(guest, { agentFile: () => undefined, cloudInit: undefined }));
  original.network.setUpgradeHandler(createUpgradeListener(guest));
  await original.vm.resume();
  original.wakeLine.wake(createIdentity("a-task"));
  const before = await countsBeyond(original, 3);

  const saved = await saveMachine(snapshots, original.savable ?? expect.fail("it cannot be saved"), {
    facts: {
      ...{ kind: "checkpoint", created: new Date().toISOString(), accelerator: "tcg", qemu: "here", cpu: "this one" },
      source: { task: { taskId: "a-task", runId: 0, checkpoint: "counting" } },
      image: { digest: image.image.digest },
      machine: recordedMachine(machine),
    },
  });
  await expect(store.remove(image.image.digest)).rejects.toMatchObject({ code: "image-in-use" });
  await countsBeyond(original, before.count + 3);

  await using lease = await snapshots.acquire(saved.id);
  const copies = await Promise.all([1, 2].map(() => launch(options, { kind: "restore", saved: lease.saved })));
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
  expect(await snapshots.find(saved.id)).toMatchObject({ kind: "machine", id: saved.id });
  expect(await readdir(join(directory, "staging"))).toEqual([]);
});
