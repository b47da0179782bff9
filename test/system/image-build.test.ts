/** Images that are made in a booted machine: from an image, from a disk from elsewhere, from a CD that installs one. */
import { readFileSync } from "node:fs";
import { mkdir, open, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeOwnDisk } from "./boot-disk.ts";
import { Boxcar, finish, pressCtrlC, untilPrinted } from "./boxcar.ts";
import { makeInstalledSector, makeInstallerCd, type Run, writePayload } from "./installer-cd.ts";

const SMALL = { memory: 256 };

/** On a busy host the first comes before anybody listens; once it has begun the installer takes no notice. */
const YES = Array.from({ length: 15 }, () => ({ wait: 2, press: "y" }));

let boxcar: Boxcar;
beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default", ownGroups: true });
});
afterAll(() => boxcar[Symbol.asyncDispose]());

/** Writes a recipe and resolves with its path. */
async function recipe(name: string, content: object): Promise<string> {
  const file = join(boxcar.directory, `${name}.json`);
  await writeFile(file, JSON.stringify({ name, machine: SMALL, timeout: "3 minutes", ...content }));
  return file;
}

/** Builds what must come out, and resolves with what was said meanwhile. */
async function build(name: string, content: object, ...flags: string[]): Promise<string> {
  const { exitCode, stderr } = await boxcar.run(["image", "build", await recipe(name, content), ...flags]);
  expect(exitCode, stderr).toBe(0);
  expect(await boxcar.leftovers()).toEqual([]);
  return stderr;
}

/** What a task prints in a machine of the image. */
async function printed(image: string, command: string, flags: string[] = []): Promise<string> {
  const payload = { image, command: ["sh", "-c", command], machine: SMALL };
  const { exitCode, stdout, stderr, result } = await boxcar.runTask(payload, flags);
  expect(exitCode, `${stderr}\n${result?.message}`).toBe(0);
  return stdout;
}

describe("from an image", () => {
  const content = {
    from: { image: "debian-minimal" },
    users: [{ name: "dev", uid: 1500, groups: ["boxcar"], authorizedKeys: ["ssh-ed25519 AAAA dev"] }],
    files: [{ path: "/opt/made/note", content: "it's here\n", mode: "640", owner: "dev:boxcar" }],
    commands: ["echo one | tee /opt/built", ["sh", "-c", 'printf "%s\\n" "$1" >>/opt/built', "sh", "two; $words"]],
    firstBoot: ["echo booted >>/opt/first"],
  };
  const look =
    'id dev; stat -c "%U:%G %a" /opt/made/note; cat /opt/made/note /opt/built /opt/first; cat /home/dev/.ssh/authorized_keys; [ -e /usr/lib/boxcar/first-boot ] || echo "not again"';
  const seen = [
    "uid=1500(dev) gid=1500(dev) groups=1500(dev),1000(boxcar)",
    "dev:boxcar 640",
    ...["it's here", "one", "two; $words", "booted"],
    "ssh-ed25519 AAAA dev",
    "not again",
  ].join("\n");

  it("packs what its machine has changed as a layer, from which tasks boot and resume", async () => {
    const log = await build("layered", content, "--layer");
    expect(log).toMatch(/\$ echo one \| tee \/opt\/built\n +one\n +done in /);
    const { stdout } = await boxcar.run(["image", "inspect", "layered", "--json"]);
    const image = JSON.parse(stdout);
    expect(image.provenance.parent.name).toBe("debian-minimal");
    // What the machine has written, and not the system it was started with.
    expect(image.sizes.diskBytes).toBeLessThan(8_000_000);
    expect(await printed("layered", look)).toContain(seen);
    expect(await printed("layered", `${look}; echo $BOXCAR_START`)).toContain(`${seen}\nresumed`);
  });

  it("packs the whole disk unless it is told otherwise, clean, and of a size that was asked for", async () => {
    const archive = join(boxcar.directory, "flat.tar.zst");
    await build("flat", { ...content, from: { image: "layered" }, users: [], sizeGiB: 5 }, "-o", archive);
    await execa("tar", ["-C", boxcar.directory, "-I", "zstd", "-xSf", archive, "disk.img"]);
    const disk = join(boxcar.directory, "disk.img");
    expect((await stat(disk)).size).toBe(5 * 1_024 ** 3);
    const state = await execa("/usr/sbin/dumpe2fs", ["-h", disk]);
    expect(state.stdout).toMatch(/^Filesystem state: +clean$/m);
    const check = await execa("/usr/sbin/e2fsck", ["-fn", disk], { reject: false });
    expect(check.exitCode, check.stdout).toBe(0);
    // Both first boots: that of what it is from was in the machine in which it was made.
    expect(await printed("flat", "cat /opt/built /opt/first", ["--cold"])).toContain(
      "one\ntwo; $words\nbooted\nbooted\n",
    );
  });

  it("keeps a machine in which a command fails, with its screen, until it is told not to", async () => {
    const commands = ["echo last words; exit 7", "echo never"];
    const file = await recipe("failing", { from: { image: "debian-minimal" }, commands });
    const child = boxcar.start(["image", "build", file, "--keep-on-failure"]);
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    await untilPrinted(child, "stderr", "throws it away");
    const port = Number(/vnc:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
    const viewer = connect(port, "127.0.0.1");
    const [greeting] = await viewer.take(1).toArray();
    expect(String(greeting)).toBe("RFB 003.008\n");
    expect(said).toMatch(
      /"echo last words; exit 7" failed with exit code 7 after .*; the last it printed:\nlast words/,
    );
    expect(said).toMatch(/the machine is kept, and goes on running/);
    expect((await stat(/its disk: (\S+),/.exec(said)?.[1] ?? "")).size).toBeGreaterThan(0);
    expect(await boxcar.machines()).toHaveLength(1);
    pressCtrlC(child);
    const { exitCode, stderr } = await finish(child);
    expect(exitCode).not.toBe(0);
    expect(stderr).not.toContain("never");
    expect(await boxcar.leftovers()).toEqual([]);
    expect((await boxcar.run(["image", "list"])).stdout).not.toContain("failing");
  });

  it("ends a build that takes too long, and says what to do", async () => {
    const file = await recipe("slow", { from: { image: "debian-minimal" }, commands: ["sleep 1000"], timeout: 12 });
    const { exitCode, stderr } = await boxcar.run(["image", "build", file]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("not finished within 12.0 s; timeout in the recipe gives it more");
    expect(await boxcar.leftovers()).toEqual([]);
  });

  it("says what is missing where packages cannot be installed", async () => {
    const file = await recipe("packages", { from: { image: "debian-minimal" }, packages: ["git"] });
    const { exitCode, stderr } = await boxcar.run(["image", "build", file]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("there is no apt-get, dnf or apk in this image to install packages with");
  });
});

describe("from a disk from elsewhere, and from a CD", () => {
  let disk: string;
  beforeAll(async () => {
    disk = join(boxcar.directory, "elsewhere.raw");
    await makeOwnDisk(disk, boxcar);
  });

  it.each(["vmdk", "vdi"])("takes a %s as it is, where nothing is to be done in it", async (format) => {
    const source = `elsewhere.${format}`;
    await execa("qemu-img", ["convert", "-f", "raw", "-O", format, disk, join(boxcar.directory, source)]);
    const archive = join(boxcar.directory, `${format}.tar.zst`);
    await build(format, { from: { disk: { source } } }, "-o", archive);
    const unpacked = await execa("tar", ["-I", "zstd", "-xOf", archive, "disk.img"], {
      encoding: "buffer",
      maxBuffer: 2 ** 30,
    });
    expect(Buffer.compare(unpacked.stdout, readFileSync(disk)) === 0).toBe(true);
  });

  it("starts a qcow2 that boots by itself, changes it and makes an image of it that runs tasks", async () => {
    const source = "elsewhere.qcow2";
    await execa("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", disk, join(boxcar.directory, source)]);
    const commands = ["echo changed >/opt/changed", "cat /sys/block/vda/size"];
    // The agent is in it already, so that no cloud-init is to bring one.
    const log = await build("stock", { from: { disk: { source } }, commands, sizeGiB: 1 });
    expect(log).toContain(`\n  ${1_024 ** 3 / 512}\n`);
    expect(await printed("stock", "cat /opt/changed", ["--cold"])).toContain("changed\n");
  });

  it("installs from a CD what a second one has, once somebody has typed, and makes an image that runs tasks", async () => {
    await makeInstallerCd(join(boxcar.directory, "installer.iso"));
    const second = join(boxcar.directory, "second");
    await mkdir(second);
    await writePayload(join(second, "system"), await contentsOf(disk), "power-off");
    const iso = { source: "installer.iso", second: "second", keys: [{ wait: 1, type: "no, " }, ...YES] };
    const log = await build("installed", {
      from: { iso },
      sizeGiB: 1,
      files: [{ path: "/opt/after", content: "later\n" }],
    });
    expect(log).toMatch(/Type y to install\n +Installing\n +Installed, powering off/);
    expect(await printed("installed", "cat /opt/after", ["--cold"])).toContain("later\n");
  });

  it("starts the disk when an installer restarts its machine; what a killed build left is gone by then", async () => {
    const file = await recipe("killed", { from: { image: "debian-minimal" }, commands: ["sleep 1000"] });
    const killed = boxcar.start(["image", "build", file]);
    await untilPrinted(killed, "stderr", "$ sleep 1000");
    killed.kill("SIGKILL");
    await killed;
    const sector = await makeInstalledSector(boxcar.directory);
    await writePayload(join(boxcar.directory, "sector.iso"), [{ offset: 0, data: sector }], "restart");
    await makeInstallerCd(join(boxcar.directory, "again.iso"));
    const iso = { source: "again.iso", second: "sector.iso", keys: YES };
    const log = await build("restarted", { from: { iso }, sizeGiB: 0.25, machine: { memory: 64, storage: "ide-hd" } });
    expect(log).toMatch(/Installed, restarting\n(.*\n)*.*starting from the disk.*\n +Started from the disk/);
  });
});

/** What of a sparse file is no hole. */
async function contentsOf(file: string): Promise<Run[]> {
  const block = 1_024 ** 2;
  const runs: Run[] = [];
  await using disk = await open(file);
  const { size } = await disk.stat();
  for (let offset = 0; offset < size; offset += block) {
    const data = Buffer.alloc(Math.min(block, size - offset));
    await disk.read(data, 0, data.length, offset);
    if (data.some((byte) => byte !== 0)) runs.push({ offset, data });
  }
  return runs;
}
