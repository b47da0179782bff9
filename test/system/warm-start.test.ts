import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addToDefaultImage, Boxcar, type Finished, finish, untilCreated } from "./boxcar.ts";
import { Sandboxes } from "./sandboxes.ts";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
});

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

const sh = (script: string) => ["sh", "-c", script];
const CAPTURES = "the first start of this machine";

/** Folders of the snapshots there are. */
async function snapshots(): Promise<string[]> {
  const parent = join(boxcar.directory, "images/snapshots");
  const images = await readdir(parent).catch(() => []);
  const folders = await Promise.all(
    images.map(async (image) => (await readdir(join(parent, image))).map((key) => join(parent, image, key))),
  );
  return folders.flat();
}

/** The snapshot of the machine these runs have, which is there after this. */
async function warm(): Promise<string> {
  const { result, stderr } = await boxcar.runTask({ command: ["true"] });
  expect(result, stderr).toMatchObject({ state: "completed", start: "resumed" });
  const used = await Promise.all(
    (await snapshots()).map(async (folder) => ({
      folder,
      time: (await stat(join(folder, "last-used")).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  return used.sort((a, b) => b.time - a.time)[0]?.folder as string;
}

function lines({ stdout }: Finished): string[] {
  return stdout.trimEnd().split("\n").slice(0, -1);
}

describe("a machine that has booted before", () => {
  it("is captured once by those who need it at once, and resumed by all who come later", async () => {
    const all = await Promise.all([1, 2, 3].map(() => boxcar.runTask({ command: ["true"] })));
    expect(all.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(all.filter(({ stderr }) => stderr.includes(CAPTURES))).toHaveLength(1);
    expect(all.map(({ result }) => result.start)).toEqual(["resumed", "resumed", "resumed"]);
    expect(await snapshots()).toHaveLength(1);

    const later = await boxcar.runTask({ command: ["true"] });
    expect(later.stderr).not.toContain(CAPTURES);
    expect(later.result.start).toBe("resumed");
  });

  it("boots where that is asked for", async () => {
    const { exitCode, result } = await boxcar.runTask({ command: ["hostname"] }, ["--cold"]);
    expect(exitCode).toBe(0);
    expect(result.start).toBe("booted");
  });

  it("is another one each time: random bytes, names, disk and memory, at the right time", async () => {
    const record = join(await warm(), "record.json");
    const script = [
      "head -c 16 /dev/urandom | od -An -tx1",
      "hostname",
      "cat /etc/machine-id /proc/sys/kernel/random/boot_id",
      "date +%s.%N",
      "ls /root/disk /run/memory 2>/dev/null",
      "echo $TASK_ID > /root/disk; echo $TASK_ID > /run/memory; sync; cat /root/disk /run/memory | uniq | wc -l",
    ];
    const begin = Date.now() / 1_000;
    // A guest whose clock went on from the snapshot would be as late as that is old.
    expect(begin - (await stat(record)).mtimeMs / 1_000).toBeGreaterThan(2);
    const runs = await Promise.all([1, 2].map(() => boxcar.runTask({ command: sh(script.join("\n")) })));
    const end = Date.now() / 1_000;
    expect(runs.map(({ result }) => result.start)).toEqual(["resumed", "resumed"]);
    const [one = [], two = []] = runs.map(lines);
    // Nothing of the other's files, so that the last line follows the time.
    expect([one.length, two.length]).toEqual([6, 6]);
    for (const index of [0, 1, 2, 3]) expect(one[index]).not.toBe(two[index]);
    for (const [index, run] of [one, two].entries()) {
      expect(run[1]).toMatch(/^boxcar-[0-9a-f]{12}$/);
      expect(run[2]).toMatch(/^[0-9a-f]{32}$/);
      expect(Number(run[4]), `the clock of ${index}`).toBeGreaterThan(begin - 1);
      expect(Number(run[4])).toBeLessThan(end + 1);
      expect(run[5]).toBe("1");
    }
  });

  it("has a network, a disk and timers that go on", async () => {
    const script = [
      "set -e",
      'exec 3<>/dev/tcp/169.254.169.254/80; printf "GET /engine/v1/ping HTTP/1.0\\r\\n\\r\\n" >&3; head -1 <&3 | cut -c1-12',
      "dd if=/dev/urandom of=/root/file bs=1M count=20 status=none; sync; echo 3 > /proc/sys/vm/drop_caches",
      "sha256sum < /root/file | cut -c1-64 > /tmp/one; sha256sum < /root/file | cut -c1-64 | cmp - /tmp/one && echo same",
      "before=$(cut -d. -f1 /proc/uptime); timeout 0.2 sleep 1000 || echo timer $?; test $(cut -d. -f1 /proc/uptime) -ge $before && echo on",
    ];
    const run = await boxcar.runTask({ command: ["bash", "-c", script.join("\n")] });
    expect(run.result).toMatchObject({ state: "completed", start: "resumed" });
    expect(lines(run)).toEqual(["HTTP/1.1 200", "same", "timer 124", "on"]);
  });

  it("is shown with its image", async () => {
    await warm();
    const { stdout } = await boxcar.run(["image", "inspect", "debian-minimal"]);
    expect(stdout).toMatch(/RESUMES +ON DISK +LAST USED\nq35, \d CPUs?, 256 MiB, (tcg|kvm) +\d+(\.\d)? MiB/);
  });

  it("can be made ahead, for the machine of a task", async () => {
    const task = join(boxcar.directory, "other.yml");
    await writeFile(task, "command: ['true']\nmachine: { memory: 300, cores: 1 }\n");
    const before = await snapshots();
    const made = await boxcar.run(["image", "warm", "debian-minimal", "--task", task]);
    expect(made).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/is warm: q35, \d CPUs?, 300 MiB/) });
    expect(await snapshots()).toHaveLength(before.length + 1);
    const run = await boxcar.runTask({ command: ["true"], machine: { memory: 300, cores: 1 } });
    expect(run.result.start).toBe("resumed");
    expect(run.stderr).not.toContain(CAPTURES);
  });

  it("boots, with the reason, where QEMU cannot save a device", async () => {
    const payload = { command: ["true"], machine: { memory: 256, cores: 1, storage: "nvme" } };
    const first = await boxcar.runTask(payload);
    expect(first.result).toMatchObject({ state: "completed", start: "booted" });
    expect(first.stderr).toMatch(/no snapshot could be made, so the machine boots: .*nvme/);
    const second = await boxcar.runTask(payload);
    expect(second.stderr).toMatch(/no snapshot can be made of this machine: .*nvme/);
    expect(second.stderr).not.toContain(CAPTURES);
  });

  it("is captured anew with another QEMU", async () => {
    await warm();
    const before = await snapshots();
    const qemu = join(boxcar.directory, "another-qemu");
    await symlink((await execa("which", ["qemu-system-x86_64"])).stdout, qemu);
    const config = join(boxcar.directory, "worker.yml");
    await writeFile(config, `qemu: { binary: ${qemu} }\n`);
    const { result } = await boxcar.runTask({ command: ["true"] }, ["--config", config]);
    expect(result).toMatchObject({ state: "completed", start: "resumed" });
    expect(await snapshots()).toHaveLength(before.length + 1);
  });
});

describe("a machine with an SSH server", () => {
  it("has host keys of its own, made anew beside the task", async () => {
    await using other = await Boxcar.open({ ownImages: "default" });
    const keygen = 'printf "%s\\n" "$*" > /etc/ssh/called; echo new > /etc/ssh/ssh_host_ed25519_key';
    await addToDefaultImage(other, [
      { path: "/usr/bin/ssh-keygen", mode: "0100755", text: `#!/bin/sh\n${keygen}\n` },
      { path: "/etc/ssh/ssh_host_ed25519_key", mode: "0100600", text: "the image's" },
      { path: "/etc/ssh/ssh_host_rsa_key", mode: "0100600", text: "the image's" },
    ]);
    const script =
      "while ! [ -s /etc/ssh/ssh_host_ed25519_key ]; do sleep 0.05; done; cd /etc/ssh; ls; cat called ssh_host_*";
    const run = await other.runTask({ command: sh(script) });
    expect(run.result).toMatchObject({ state: "completed", start: "resumed" });
    expect(lines(run)).toEqual(["called", "ssh_host_ed25519_key", "-A", "new"]);
  });
});

describe("a machine whose guest tools do not park", () => {
  it("boots, with the reason, and is not tried again", async () => {
    await using other = await Boxcar.open({ ownImages: "default" });
    const agent = "/usr/lib/boxcar/boxcar-agent";
    await addToDefaultImage(other, [
      { path: `${agent}.real`, mode: "0100755", text: await readFile("build/guest/boxcar-agent") },
      { path: agent, mode: "0100755", text: `#!/bin/sh\nrm -f /dev/vport*\nexec ${agent}.real\n` },
    ]);
    const first = await other.runTask({ command: ["true"] });
    expect(first.result).toMatchObject({ state: "completed", start: "booted" });
    expect(first.stderr).toMatch(/no snapshot could be made, so the machine boots: its guest tools do not say when/);
    const second = await other.runTask({ command: ["true"] });
    expect(second.result).toMatchObject({ state: "completed", start: "booted" });
    expect(second.stderr).not.toContain(CAPTURES);
  });
});

describe("one snapshot", () => {
  it("can be resumed a hundred times", async () => {
    await using sandboxes = await Sandboxes.open(boxcar);
    const resume = async () => (await sandboxes.run("true")).snapshot;
    const first = await resume();
    const seen = new Set([first]);
    sandboxes.notes.length = 0;
    const resumeMany = async () => {
      for (let count = 0; count < 50; count++) seen.add(await resume());
    };
    await Promise.all([resumeMany(), resumeMany()]);
    expect([...seen]).toEqual([first]);
    expect(first).toBeDefined();
    expect(sandboxes.notes).toEqual([]);
  }, 180_000);
});

describe("a snapshot", () => {
  async function expectRecovery(why: RegExp): Promise<void> {
    const broken = await boxcar.runTask({ command: ["echo", "done"] });
    expect(broken.result).toMatchObject({ state: "completed", start: "booted" });
    expect(broken.stderr).toMatch(why);
  }

  it("whose memory is cut short is removed, and the task boots", async () => {
    await truncate(join(await warm(), "memory"), 1_048_576);
    await expectRecovery(/warning: the snapshot of this machine is damaged \(its file memory was changed\)/);
    const next = await boxcar.runTask({ command: ["true"] });
    expect(next.stderr).toContain(CAPTURES);
    expect(next.result.start).toBe("resumed");
  });

  it("whose state was changed is removed, and the task boots", async () => {
    const folder = await warm();
    const state = await readFile(join(folder, "state"));
    state.fill(0x5a, Math.floor(state.length / 2));
    await writeFile(join(folder, "state"), state);
    await expectRecovery(/its file state was changed/);
  });

  it("that QEMU cannot load is removed, and the task boots", async () => {
    const folder = await warm();
    const state = await readFile(join(folder, "state"));
    state.fill(0x5a, Math.floor(state.length / 2));
    await writeFile(join(folder, "state"), state);
    const record = JSON.parse(await readFile(join(folder, "record.json"), "utf8"));
    record.files.state.sha256 = createHash("sha256").update(state).digest("hex");
    record.files.state.mtimeNs = String((await stat(join(folder, "state"), { bigint: true })).mtimeNs);
    await writeFile(join(folder, "record.json"), JSON.stringify(record));
    await expectRecovery(/warning: the machine could not be resumed from its snapshot \(QEMU did not start/);
  });

  it("whose record is no record is removed, and the task boots", async () => {
    await writeFile(join(await warm(), "record.json"), "{");
    await expectRecovery(/its record cannot be read/);
  });

  it("whose maker is killed is none", async () => {
    for (const folder of await snapshots()) await execa("rm", ["-r", folder]);
    await mkdir(join(boxcar.directory, "images/staging"), { recursive: true });
    for (const file of ["memory", "state"]) {
      const { child } = await boxcar.startTask({ command: ["true"] });
      await untilCreated(child, join(boxcar.directory, "images/staging"), new RegExp(`/${file}$`));
      child.kill("SIGKILL");
      expect((await finish(child)).exitCode).toBeUndefined();
      expect(await snapshots()).toEqual([]);
    }
    const { result, stderr } = await boxcar.runTask({ command: ["true"] });
    expect(stderr).toContain(CAPTURES);
    expect(result).toMatchObject({ state: "completed", start: "resumed" });
    expect(await snapshots()).toHaveLength(1);
  });

  it("goes with its image", async () => {
    await warm();
    const { exitCode } = await boxcar.run(["image", "rm", "debian-minimal"]);
    expect(exitCode).toBe(0);
    expect(await snapshots()).toEqual([]);
  });
});
