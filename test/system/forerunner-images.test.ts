/** Images of taskcluster-worker, as its own tools pack them: `machine.json` of version 0 or 1, `disk.img`, `layer.qcow2`. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeOwnDisk } from "./boot-disk.ts";
import { Boxcar } from "./boxcar.ts";

const MACHINES = {
  0: {
    uuid: "52bab607-10f1-4049-a0f8-ee4725cb715b",
    memory: 300,
    network: { device: "rtl8139", mac: "aa:54:1a:30:5c:d0" },
    keyboard: { layout: "en-us" },
  },
  1: { version: 1, chipset: "pc-i440fx-2.8", memory: 300, network: "e1000", mac: "aa:54:1a:30:5c:d1" },
} as const;

/** Between the partition table and the first partition. */
const MARK_AT = 32_768;
const MARK = "in the layer";

let boxcar: Boxcar;
let folder: string;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
  folder = join(boxcar.directory, "image");
  await mkdir(folder);
  await makeOwnDisk(join(folder, "disk.img"), boxcar);
  const run = (file: string, args: readonly string[]) => execa(file, args, { cwd: folder });
  await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", "disk.img", "-F", "raw", "layer.qcow2"]);
  await writeFile(join(boxcar.directory, "mark"), MARK);
  const write = `write -s ../mark ${MARK_AT} 512`;
  await run("qemu-io", ["-f", "qcow2", "-c", write, "layer.qcow2"]);
});
afterAll(() => boxcar[Symbol.asyncDispose]());

it.each([0, 1] as const)("one of version %d is imported, boots, and runs a task", async (version) => {
  await writeFile(join(folder, "machine.json"), JSON.stringify(MACHINES[version]));
  const archive = join(boxcar.directory, `v${version}.tar.zst`);
  await execa("tar", ["-S", "--zstd", "-cf", archive, "machine.json", "disk.img", "layer.qcow2"], { cwd: folder });
  const name = `forerunner-${version}`;
  expect(await boxcar.run(["image", "import", archive, "--tag", name])).toMatchObject({ exitCode: 0 });

  const disk = "for disk in /dev/vda /dev/sda; do [ -b $disk ] && break; done";
  const look = `dd if=$disk bs=1 skip=${MARK_AT} count=${MARK.length} 2>/dev/null; echo`;
  const card = "cat /sys/class/net/e*/address";
  const payload = { image: name, command: ["sh", "-c", `${disk}; ${look}; ${card}`], machine: {} };
  const { exitCode, stdout, stderr } = await boxcar.runTask(payload, ["--cold"]);
  expect(exitCode, stderr).toBe(0);
  const [mark, mac] = stdout.split("\n");
  expect(mark).toBe(MARK);
  expect(mac).toBe(version === 0 ? MACHINES[0].network.mac : MACHINES[1].mac);
});
