import { once } from "node:events";
import { stat } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { VmRecord } from "../../src/generated/vm-record.ts";
import { QemuHypervisor } from "../../src/hypervisor/qemu/qemu-hypervisor.ts";
import { describeSnapshots, type SnapshotHarness } from "../contract/hypervisor-snapshots.ts";
import { Boxcar } from "./boxcar.ts";
import { openQemu, type QemuHarness } from "./qemu-hypervisors.ts";

const signal = new AbortController().signal;
let boxcar: Boxcar;

let harness: QemuHarness & SnapshotHarness;

/** Somebody has a port of this host. */
async function listening(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const close = async () => {
    server.close();
    await once(server, "close");
  };
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

/** What a command prints that must succeed. */
async function good(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await boxcar.run(["vm", ...words]);
  expect([exitCode, stderr.split("\n").filter((line) => /error|bug/.test(line))], words.join(" ")).toEqual([0, []]);
  return stdout.trim();
}

describeSnapshots(
  "QEMU",
  async (scope) => {
    boxcar = scope.use(await Boxcar.open());
    const qemu = await openQemu(boxcar, scope);
    const spec = { ...qemu.spec, machine: { ...qemu.spec.machine, memory: 160 } };
    harness = { ...qemu, spec, snapshots: await qemu.host.openSnapshots() };
    return harness;
  },
  () => {
    it("keeps what it is to go on from where a port or a limit is in its way, and its disk whatever its first start came to", async () => {
      const { one, snapshots } = harness;
      const process = await good("exec", "dev", "--", "cat", "/dev/shm/pid");
      const edit = async (change: (record: VmRecord) => VmRecord) => {
        await one.stop("dev", { force: true, signal });
        const { record } = await one.inspect("dev");
        await using lock = await one.index.lock(record.id);
        await lock.write(change(lock.record));
      };
      await using lease = await snapshots.acquire("ready");
      await using somebody = await listening();
      const forward = { host: "127.0.0.1", hostPort: somebody.port, guestPort: 80 };
      await edit((record) => ({ ...record, forwards: [forward] }));
      const refused = { code: "vm-invalid", message: expect.stringMatching(/cannot listen on .*EADDRINUSE/) };
      const { host } = harness;
      const small = { ...host, config: { ...host.config, vms: { ...host.config.vms, maxMemory: 100 } } };
      const limited = await QemuHypervisor.open({ host: small, supervisor: () => ["false"] });
      await expect(limited.restoreFrom("dev", lease.saved, { signal })).rejects.toMatchObject({ code: "vm-limits" });
      expect((await one.inspect("dev")).record.goesOn).toBeUndefined();
      await expect(one.restoreFrom("dev", lease.saved, { signal })).rejects.toMatchObject(refused);
      await expect(one.cloneFrom(lease.saved, { forwards: [forward], signal })).rejects.toMatchObject(refused);
      await edit(({ forwards: _none, ...record }) => ({ ...record, forwards: [] }));
      await one.start("dev", { wait: true, signal });
      expect(await good("exec", "dev", "--", "sh", "-c", "cat /root/f /dev/shm/pid; kill -0 $(cat /dev/shm/pid)")).toBe(
        `before\n${process}`,
      );
      // As it is if its supervisor is killed when a copy has just gone on for the first time.
      await edit((record) => ({ ...record, starts: 0 }));
      await one.start("dev", { wait: true, signal });
      expect(await good("exec", "dev", "--", "cat", "/root/f")).toBe("before");
      await one.restoreFrom("dev", lease.saved, { wait: true, signal });
    }, 300_000);

    it("does all of it from the command line; an archive is the whole machine", async () => {
      expect(await good("snapshot", "list")).toMatch(
        /[0-9a-f]{12} +ready +vm +dev +160 MiB +[\d.]+ MiB +\S+ \S+ +never/,
      );
      const file = join(boxcar.directory, "ready.tar.zst");
      expect(await good("snapshot", "export", "ready", file)).toBe(file);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect((await boxcar.run(["vm", "snapshot", "import", file])).stderr).toMatch(
        /there is a snapshot ready already/,
      );
      const theirs = JSON.parse(await good("snapshot", "import", file, "--name", "theirs", "-o", "json"));
      expect(theirs).toMatchObject({ name: "theirs", kind: "vm", source: { vm: { name: "dev" } } });
      expect(await good("snapshot", "rm", "ready")).toMatch(/^[0-9a-f]{12}$/);
      expect(await good("clone", "theirs", "back")).toBe("back");
      const script = "cat /dev/shm/f /root/f /data/f; kill -0 $(cat /dev/shm/pid)";
      expect(await good("exec", "back", "--", "sh", "-c", script)).toBe("before\nbefore\nbefore");
      expect(await good("inspect", "back")).toMatch(new RegExp(`from +the snapshot ${theirs.id} of dev`));
      expect((await boxcar.run(["vm", "restore", "back", "theirs"])).stderr).toMatch(
        /is of the machine dev, and not of back/,
      );
      expect(await good("restore", "dev", theirs.id)).toBe("dev");

      const [copy] = JSON.parse(await good("clone", "dev", "--keep", "kept", "-o", "json")) as [VmRecord];
      expect(copy.from).toMatchObject({ vm: { name: "dev" } });
      expect(await good("clone", theirs.directory, "folder")).toBe("folder");

      // Only one of two can have the port: that one stays, and a script is told of it.
      const somebody = await listening();
      const { port } = somebody;
      await somebody[Symbol.asyncDispose]();
      const publish = ["-p", `${port}:80`];
      const pair = await boxcar.run(["vm", "clone", "theirs", "pair", "--count", "2", ...publish, "-o", "json"]);
      expect(pair.exitCode).not.toBe(0);
      const stay = JSON.parse(pair.stdout) as VmRecord[];
      expect(stay.map(({ forwards }) => forwards[0]?.hostPort)).toEqual([port]);
      expect(pair.stderr).toMatch(/1 of 2 copies were made, and stay/);
      await good("rm", "--force", ...stay.map(({ id }) => id));
      await good("snapshot", "save", "dev", "--expires", "1 second");
      const names = async () => {
        const found = JSON.parse(await good("snapshot", "list", "-o", "json")) as { name?: string }[];
        return found.map(({ name }) => name);
      };
      await expect.poll(names, { timeout: 60_000, interval: 500 }).toEqual(["kept", "theirs"]);
      await good("rm", "--force", "back", "folder", copy.id);
      await good("snapshot", "rm", "kept", "theirs");
    }, 300_000);
  },
);
