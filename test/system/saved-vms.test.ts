import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { VmRecord } from "../../src/generated/vm-record.ts";
import { describeSnapshots } from "../contract/hypervisor-snapshots.ts";
import { Boxcar } from "./boxcar.ts";
import { openQemu } from "./qemu-hypervisors.ts";

let boxcar: Boxcar;

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
    const harness = await openQemu(boxcar, scope);
    const spec = { ...harness.spec, machine: { ...harness.spec.machine, memory: 160 } };
    return { ...harness, spec, snapshots: await harness.host.openSnapshots() };
  },
  () => {
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
