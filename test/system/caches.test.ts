import { randomBytes } from "node:crypto";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Scope } from "../../src/base/scope.ts";
import type { CacheLease } from "../../src/cache/cache-lease.ts";
import { type AcquireCacheOptions, CacheStore } from "../../src/cache/cache-store.ts";
import type { GuestMount } from "../../src/guest/disk-actions.ts";
import { MachinePool } from "../../src/sandbox/machine-pool.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { diskSerial } from "../../src/vm/data-disks.ts";
import { Boxcar } from "./boxcar.ts";
import { Sandboxes } from "./sandboxes.ts";

const MIB = 1_048_576;
const SIZE = 64 * MIB;

let boxcar: Boxcar;
let sandboxes: Sandboxes;
let store: CacheStore;
let count = 0;
/** Another cache for each test. */
let name: string;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
  sandboxes = await Sandboxes.open(boxcar);
  store = await CacheStore.open({ directory: join(boxcar.directory, "caches") });
});

afterEach(() => {
  expect(sandboxes.notes.filter((note) => note.startsWith("warning"))).toEqual([]);
});

afterAll(async () => {
  await sandboxes[Symbol.asyncDispose]();
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

function acquire(mode: "exclusive" | "shared", options: Partial<AcquireCacheOptions> = {}): Promise<CacheLease> {
  return store.acquire(name, { mode, sizeBytes: SIZE, ...options });
}

/** Starts a machine, and mounts the caches at /c0, /c1 … */
async function start(leases: readonly CacheLease[], mount: Partial<GuestMount> = {}) {
  await using scope = new Scope();
  const { sandbox } = scope.use(await sandboxes.startWithDisks(leases.length));
  for (const [slot, { disk }] of leases.entries()) {
    await sandbox.vm.insertDisk(slot, disk);
    const path = `/c${slot}`;
    await sandbox.guest.mount({ serial: diskSerial(slot), sizeBytes: disk.sizeBytes, path, ...mount });
  }
  const owned = scope.move();
  return { sandbox, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

async function sh(sandbox: Sandbox, script: string): Promise<string> {
  const { output, exitCode } = await sandbox.guest.exec({ command: ["sh", "-c", script] });
  return `${output}${exitCode === 0 ? "" : `exit ${exitCode}\n`}`;
}

/** What a task does at its end with a cache that it may write to. */
async function takeOut(sandbox: Sandbox, slot = 0): Promise<{ clean: boolean }> {
  const end = await sandbox.guest.unmount(diskSerial(slot));
  await sandbox.vm.ejectDisk(slot);
  return end;
}

/** Runs `script` with an exclusive cache at /c0, and keeps what it has written. */
async function write(script: string): Promise<string> {
  await using lease = await acquire("exclusive");
  await using machine = await start([lease]);
  const output = await sh(machine.sandbox, script);
  expect(await takeOut(machine.sandbox)).toEqual({ clean: true });
  expect(await lease.commit()).toBe("kept");
  return output;
}

/** Runs `script` with a shared cache at /c0. */
async function read(script: string): Promise<string> {
  await using lease = await acquire("shared");
  await using machine = await start([lease]);
  return await sh(machine.sandbox, script);
}

beforeEach(() => {
  name = `cache-${count++}`;
});

describe("an exclusive cache", () => {
  it("is empty at first, and has for the next machine what the last one wrote", async () => {
    expect(await write("ls -A /c0; echo one > /c0/file; mkdir /c0/folder")).toBe("");
    expect(await write("ls /c0; cat /c0/file; echo two >> /c0/file")).toBe("file\nfolder\none\n");
    expect(await read("cat /c0/file")).toBe("one\ntwo\n");
  });

  it("is as it was before a machine that was killed", async () => {
    await write("echo kept > /c0/file");
    {
      await using lease = await acquire("exclusive");
      await using machine = await start([lease]);
      await sh(machine.sandbox, "echo lost > /c0/file; sync");
      machine.sandbox.vm.kill();
      await machine.sandbox.vm.done;
    }
    expect(await write("cat /c0/file")).toBe("kept\n");
  });

  it("is whole although somebody goes on writing to it", async () => {
    await using lease = await acquire("exclusive");
    {
      await using machine = await start([lease]);
      const writer = "exec 3>>/c0/more; while :; do echo x >&3; done";
      const script = `echo begun > /c0/file; setsid sh -c '${writer}' >/dev/null 2>&1 & until [ -s /c0/more ]; do :; done`;
      await sh(machine.sandbox, script);
      expect(await takeOut(machine.sandbox)).toEqual({ clean: true });
      expect(await lease.commit()).toBe("kept");
    }
    await lease[Symbol.asyncDispose]();
    expect(await read("cat /c0/file; dmesg | grep -c 'recovery complete'")).toBe("begun\n0\nexit 1\n");
  });

  it("is whole although somebody has hidden it in name spaces of his own", async () => {
    await using lease = await acquire("exclusive");
    {
      await using machine = await start([lease]);
      const hide = "unshare -m sh -c 'touch /c0/hidden; exec setsid sleep 1000' >/dev/null 2>&1 &";
      const script = `${hide} until [ -e /c0/hidden ]; do :; done; echo begun > /c0/file; umount /c0`;
      await sh(machine.sandbox, script);
      expect(await takeOut(machine.sandbox)).toEqual({ clean: false });
      await lease.commit();
    }
    await lease[Symbol.asyncDispose]();
    expect(await read("cat /c0/file")).toBe("begun\n");
  });

  it("is not whole when its file system was damaged", async () => {
    await using lease = await acquire("exclusive");
    await using machine = await start([lease]);
    const damage = "dd if=/dev/urandom of=/dev/vdb bs=64k seek=1 count=100 conv=notrunc 2>/dev/null; sync";
    const script = `mkdir /c0/a; sync; ${damage}; echo 3 > /proc/sys/vm/drop_caches; mkdir /c0/b 2>/dev/null; ls -R /c0`;
    await sh(machine.sandbox, script);
    expect(await takeOut(machine.sandbox)).toEqual({ clean: false });
  });

  it("has room for so much and no more", async () => {
    const output = await write(
      "dd if=/dev/zero of=/c0/file bs=1M count=100 2>&1 | grep -o 'No space left.*'; rm /c0/file",
    );
    expect(output).toBe("No space left on device\n");
    expect(await read("ls -A /c0")).toBe("");
    // What was deleted takes no room on the host.
    expect((await store.list()).find((cache) => cache.name === name)?.diskBytes).toBeLessThan(SIZE / 4);
  });

  it("belongs to the user who is to write to it, and holds no programs of other users", async () => {
    await using lease = await acquire("exclusive");
    await using machine = await start([lease], { path: "/srv/deep/cache", owner: "1234" });
    const { sandbox } = machine;
    expect(await sh(sandbox, "stat -c %u /srv /srv/deep /srv/deep/cache")).toBe("0\n1234\n1234\n");
    const script =
      "cd /srv/deep/cache; cp /usr/bin/id .; chmod u+s id; setpriv --reuid 1 ./id -u; mknod null c 1 3; cat null";
    expect(await sh(sandbox, script)).toBe("1\ncat: null: Permission denied\nexit 1\n");
  });

  it("keeps the last state for those who read while a new one is made", async () => {
    await write("echo old > /c0/file");
    await using reading = await acquire("shared");
    await using machine = await start([reading]);
    await write("echo new > /c0/file");
    expect(await sh(machine.sandbox, "cat /c0/file")).toBe("old\n");
    expect(await read("cat /c0/file")).toBe("new\n");
  });
});

describe("a shared cache", () => {
  it("is there for several at once, each of whom may write, and nobody sees it", async () => {
    await write("echo shared > /c0/file");
    await using leases = new Scope();
    await using machines = new Scope();
    const sandboxesOfBoth = await Promise.all(
      [1, 2].map(async () => machines.use(await start([leases.use(await acquire("shared"))])).sandbox),
    );
    const outputs = await Promise.all(
      sandboxesOfBoth.map((sandbox, index) => sh(sandbox, `cat /c0/file; ls /c0; echo ${index} > /c0/mine-${index}`)),
    );
    expect(outputs).toEqual(["shared\nfile\n", "shared\nfile\n"]);
    expect(await read("ls /c0")).toBe("file\n");
  });

  it("can be mounted so that nobody writes to it", async () => {
    await write("echo shared > /c0/file");
    await using lease = await acquire("shared");
    await using machine = await start([lease], { readOnly: true });
    expect(await sh(machine.sandbox, "cat /c0/file; echo x > /c0/file")).toMatch(
      /^shared\nsh: .*Read-only file system\nexit/,
    );
  });

  it("has what it was preloaded with", async () => {
    const folder = join(boxcar.directory, "preload");
    await mkdir(join(folder, "bin"), { recursive: true });
    await writeFile(join(folder, "bin/tool"), "#!/bin/sh\necho it works\n", { mode: 0o755 });
    await symlink("bin/tool", join(folder, "link"));
    const preload = join(boxcar.directory, "preload.tar.zst");
    await execa("tar", ["-C", folder, "-I", "zstd", "-cf", preload, "."]);
    await using lease = await acquire("shared", { preload });
    await using machine = await start([lease]);
    expect(await sh(machine.sandbox, "ls /c0; /c0/link")).toBe("bin\nlink\nit works\n");
  });
});

describe("the disk of a cache", () => {
  it.each([
    ["resumed", false],
    ["booted", true],
  ])(
    "has its own size and content in a machine that was %s, whatever was seen of the place before",
    async (_how, cold) => {
      await write("echo here > /c0/file");
      await using lease = await acquire("shared");
      await using machine = await sandboxes.startWithDisks(1, { cold });
      const { vm, guest, snapshot } = machine.sandbox;
      expect(snapshot === undefined).toBe(cold);
      // Whoever has the device open keeps what the kernel remembers of it.
      const look = "exec 3</dev/vdb; cat <&3 | tr -d '\\0' | wc -c; setsid sleep 1000 <&3 >/dev/null 2>&1 &";
      await guest.firstContact;
      expect(await sh(machine.sandbox, look)).toBe("0\n");
      await vm.insertDisk(0, lease.disk);
      await guest.mount({ serial: diskSerial(0), sizeBytes: lease.disk.sizeBytes, path: "/c0" });
      expect(await sh(machine.sandbox, "cat /c0/file; cat /sys/block/vdb/size")).toBe(`here\n${SIZE / 512}\n`);
    },
  );

  it("can be one of eight", async () => {
    await using leases = new Scope();
    const all: CacheLease[] = [];
    for (let i = 0; i < 8; i++) {
      name = `cache-${count++}`;
      all.push(leases.use(await acquire("exclusive", { sizeBytes: SIZE + i * MIB })));
    }
    await using machine = await start(all);
    const script = "for i in 0 1 2 3 4 5 6 7; do echo $i > /c$i/file; done; df -m /c? | wc -l";
    expect(await sh(machine.sandbox, script)).toBe("9\n");
    for (const [slot, lease] of all.entries()) {
      expect(await takeOut(machine.sandbox, slot)).toEqual({ clean: true });
      expect(await lease.commit()).toBe("kept");
    }
    await leases[Symbol.asyncDispose]();
    expect(await read("cat /c0/file")).toBe("7\n");
  });

  it("is put into a machine of the pool as well", async () => {
    const acquireImage = (digest: string) => sandboxes.store.acquire(digest);
    await using pool = new MachinePool({ machines: 1, memory: 512, maxIdleMs: 3_600_000, acquireImage });
    await (await sandboxes.startWithDisks(1, { pool }))[Symbol.asyncDispose]();
    await pool.settled();
    const waiting = await boxcar.machines();
    await using lease = await acquire("exclusive");
    await using machine = await sandboxes.startWithDisks(1, { pool });
    expect(waiting).toContain(machine.sandbox.vm.pid);
    await machine.sandbox.vm.insertDisk(0, lease.disk);
    await machine.sandbox.guest.mount({ serial: diskSerial(0), sizeBytes: SIZE, path: "/c0" });
    expect(await sh(machine.sandbox, "echo x > /c0/file; cat /c0/file")).toBe("x\n");
  });

  it.each(["pc", "microvm"] as const)("is found on the board %s", async (chipset) => {
    await using lease = await acquire("exclusive");
    await using machine = await sandboxes.startWithDisks(1, { cold: true, machine: { chipset } });
    await machine.sandbox.waitForGuest(60_000, new AbortController().signal);
    await machine.sandbox.vm.insertDisk(0, lease.disk);
    await machine.sandbox.guest.mount({ serial: diskSerial(0), sizeBytes: SIZE, path: "/c0" });
    expect(await sh(machine.sandbox, "echo x > /c0/file; cat /c0/file")).toBe("x\n");
  });

  it("is refused by the guest if it is not there, or holds no file system", async () => {
    await using machine = await sandboxes.startWithDisks(1);
    const { vm, guest } = machine.sandbox;
    const missing = guest.mount({ serial: "boxcar-cache-7", sizeBytes: SIZE, path: "/c0" });
    await expect(missing).rejects.toMatchObject({ code: "disk-not-found" });
    const diskFile = join(boxcar.directory, "noise");
    await writeFile(diskFile, randomBytes(2 * MIB));
    await vm.insertDisk(0, { diskFile, format: "raw", sizeBytes: 2 * MIB });
    const damaged = guest.mount({ serial: diskSerial(0), sizeBytes: 2 * MIB, path: "/c0" });
    await expect(damaged).rejects.toMatchObject({ code: "mount-failed" });
  });
});
