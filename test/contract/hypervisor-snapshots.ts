/** What every hypervisor does with saved machines, whatever runs them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scope } from "../../src/base/scope.ts";
import { cloneMachine, makeClones, namesOfClones } from "../../src/hypervisor/clone-machine.ts";
import type { Direct } from "../../src/hypervisor/direct.ts";
import type { Hypervisor } from "../../src/hypervisor/hypervisor.ts";
import type { SnapshotStore } from "../../src/snapshot/snapshot-store.ts";
import type { HypervisorHarness } from "./hypervisor.ts";

export interface SnapshotHarness extends HypervisorHarness {
  readonly one: Hypervisor & Direct;
  readonly two: Hypervisor & Direct;
  readonly snapshots: SnapshotStore;
}

const signal = new AbortController().signal;
const START_MS = 180_000;
const CLONES = 30;

/** The disk is put in when the machine runs. */
const MOUNTED = "until mountpoint -q /data; do sleep 0.1; done";
/** A process that lives on, and what it knows by heart; a file in memory, one on the disk, one on the other disk. */
const BEGIN = `${MOUNTED}; echo before | tee /dev/shm/f /root/f > /data/f; sync
setsid sh -c 'i=0; while :; do i=$((i+1)); echo $i > /dev/shm/count; sleep 0.5; done' > /dev/null 2>&1 &
echo $! > /dev/shm/pid`;
const CHANGE = "echo after | tee /dev/shm/f /root/f > /data/f; kill -9 $(cat /dev/shm/pid); sync";
/** How many files say what was said before; whether the process counts on; who the machine is. */
const LOOK = `grep -l before /dev/shm/f /root/f /data/f | wc -l
read pid < /dev/shm/pid; read begin < /dev/shm/count; now=$begin
while kill -0 $pid && [ "\${now:-$begin}" = "$begin" ]; do sleep 0.1; read now < /dev/shm/count; done
echo $pid $(kill -0 $pid && echo alive); hostname; cat /etc/machine-id /proc/sys/kernel/random/boot_id
head -c 16 /dev/urandom | od -An -tx1 | tr -d ' '`;

interface Look {
  before: number;
  process: string;
  hostname: string;
  ids: readonly string[];
}

/** @param more Tests of the same machine `dev`, which is as it was when the snapshot `ready` was made. */
export function describeSnapshots(
  name: string,
  open: (scope: Scope) => Promise<SnapshotHarness>,
  more: () => void = () => {},
): void {
  describe(`saved machines of a hypervisor: ${name}`, () => {
    const scope = new Scope();
    let one: SnapshotHarness["one"];
    let two: SnapshotHarness["two"];
    let snapshots: SnapshotStore;
    let harness: SnapshotHarness;
    let first: Look;

    beforeAll(async () => {
      harness = await open(scope);
      ({ one, two, snapshots } = harness);
      scope.defer(() => removeAll());
      const disks = [{ name: "data", sizeBytes: 64 * 2 ** 20, mount: "/data", fs: "ext4" as const }];
      await one.create({ ...harness.spec, name: "dev", disks }, { signal });
      await one.start("dev", { wait: true, signal });
      await run("dev", BEGIN);
      first = await look("dev");
      await one.save("dev", { name: "ready", description: "as it was at first", signal });
    }, 2 * START_MS);

    afterAll(() => scope[Symbol.asyncDispose](), START_MS);

    async function removeAll(except?: string): Promise<void> {
      const others = (await one.list()).filter(({ record }) => record.name !== except);
      await Promise.all(others.map(({ record }) => one.remove(record.id, { force: true, signal })));
    }

    async function run(called: string, script: string): Promise<string> {
      const chunks: Buffer[] = [];
      const live = await two.open(called);
      await live.waitForGuest(signal);
      const code = await live.exec(["sh", "-c", script], { onOutput: (chunk) => void chunks.push(chunk), signal });
      expect(code, Buffer.concat(chunks).toString()).toBe(0);
      return Buffer.concat(chunks).toString().trim();
    }

    async function look(called: string): Promise<Look> {
      const [before, process = "", hostname = "", ...ids] = (await run(called, LOOK)).split("\n");
      return { before: Number(before), process, hostname, ids };
    }

    const namesOfSnapshots = async () =>
      (await snapshots.list()).map((entry) => entry.kind === "machine" && entry.record.name);

    it("saves a machine that goes on, under a name that is free", async () => {
      expect(first).toMatchObject({ before: 3, hostname: "dev", process: expect.stringMatching(/^\d+ alive$/) });
      await expect(two.save("dev", { name: "ready", signal })).rejects.toMatchObject({ code: "snapshot-exists" });
      expect(await look("dev")).toMatchObject({ before: 3, process: first.process });
      expect(await namesOfSnapshots()).toEqual(["ready"]);
    });

    it(
      "has a machine go back to what it was, with what ran in it",
      async () => {
        await run("dev", CHANGE);
        await using lease = await snapshots.acquire("ready");
        const restored = await two.restoreFrom("dev", lease.saved, { wait: true, signal });
        expect(restored).toMatchObject({ state: "running", from: { snapshot: lease.saved.id } });
        expect(restored.goesOn).toBeUndefined();
        const now = await look("dev");
        expect(now).toMatchObject({ before: 3, process: first.process, hostname: "dev" });
        expect(now.ids.slice(0, 2)).toEqual(first.ids.slice(0, 2));
        expect(now.ids[2]).not.toBe(first.ids[2]);
      },
      START_MS,
    );

    it(
      "has a machine that is stopped go back, and leaves one that is paused as it is",
      async () => {
        await run("dev", CHANGE);
        await one.pause("dev", signal);
        await one.save("dev", { name: "changed", signal });
        expect((await two.inspect("dev")).record.state).toBe("paused");
        await one.stop("dev", { force: true, signal });
        await expect(one.save("dev", { signal })).rejects.toMatchObject({ code: "vm-state" });
        await using lease = await snapshots.acquire("ready");
        await one.restoreFrom("dev", lease.saved, { wait: true, signal });
        expect(await look("dev")).toMatchObject({ before: 3, process: first.process });
        {
          await using changed = await snapshots.acquire("changed");
          await one.restoreFrom("dev", changed.saved, { wait: true, signal });
          await expect(snapshots.remove("changed")).rejects.toMatchObject({ code: "snapshot-in-use" });
        }
        expect(await run("dev", "cat /root/f")).toBe("after");
        await snapshots.remove("changed");
        await one.restoreFrom("dev", lease.saved, { wait: true, signal });
      },
      START_MS,
    );

    it(
      "makes copies of a machine that have nothing in common with it",
      async () => {
        const names = namesOfClones("copy", 2);
        const copies = await cloneMachine({ hypervisor: one, snapshots }, "dev", { names, wait: true, signal });
        expect(copies.map(({ name: called }) => called).sort()).toEqual(names);
        expect(await namesOfSnapshots()).toEqual(["ready"]);
        await run("copy-1", CHANGE);
        expect(await look("copy-2")).toMatchObject({ before: 3, process: first.process, hostname: "copy-2" });
        expect(await look("dev")).toMatchObject({ before: 3, process: first.process, hostname: "dev" });

        // It has all it needs, also where nothing is left of what it was made from, and boots from its own disks.
        await one.restart("copy-1", { force: true, wait: true, signal });
        await expect.poll(() => run("copy-1", "cat /data/f || true"), { timeout: START_MS }).toBe("after");
        expect(await run("copy-1", "cat /root/f; hostname")).toBe("after\ncopy-1");
        await removeAll("dev");
      },
      START_MS,
    );

    it(
      "changes nothing where it cannot be done",
      async () => {
        await using lease = await snapshots.acquire("ready");
        const { saved } = lease;
        await expect(one.cloneFrom(saved, { name: "dev", signal })).rejects.toMatchObject({ code: "vm-name-taken" });
        const elsewhere = { ...saved, record: { ...saved.record, qemu: "QEMU emulator version 0.1" } };
        await expect(one.cloneFrom(elsewhere, { signal })).rejects.toMatchObject({ code: "snapshot-other-host" });
        await expect(one.restoreFrom("dev", elsewhere, { signal })).rejects.toMatchObject({
          code: "snapshot-other-host",
        });
        const others = { ...saved, record: { ...saved.record, source: { vm: { id: "0123456789ab" } } } };
        await expect(one.restoreFrom("dev", others, { signal })).rejects.toMatchObject({ code: "vm-invalid" });
        const gone = { ...saved, directory: `${saved.directory}.gone` };
        await expect(one.cloneFrom(gone, { name: "never", signal })).rejects.toThrow();
        await expect(one.restoreFrom("dev", gone, { signal })).rejects.toThrow();
        expect((await one.list()).map(({ record }) => record.name)).toEqual(["dev"]);
        expect(await look("dev")).toMatchObject({ before: 3, process: first.process });
      },
      START_MS,
    );

    it(
      `makes ${CLONES} copies at once, each one of its own`,
      async () => {
        await using lease = await snapshots.acquire("ready");
        const names = namesOfClones("shard", CLONES);
        await makeClones(one, lease.saved, { names, wait: true, signal });
        expect((await one.list()).filter(({ record }) => record.state === "running")).toHaveLength(CLONES + 1);
        const looks = await Promise.all(names.map((called) => look(called ?? "")));
        expect(looks.map(({ before, process }) => `${before} ${process}`)).toEqual(
          names.map(() => `3 ${first.process}`),
        );
        expect(looks.map(({ hostname }) => hostname)).toEqual(names);
        const all = [...looks, first].flatMap(({ ids }) => ids);
        expect(new Set(all).size).toBe(3 * (CLONES + 1));
        await removeAll("dev");
        expect(await harness.machines()).toHaveLength(1);
      },
      2 * START_MS,
    );

    more();
  });
}
