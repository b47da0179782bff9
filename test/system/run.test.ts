import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Boxcar, finish, untilPrinted } from "./boxcar.ts";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open();
});

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

const sh = (script: string) => ["sh", "-c", script];

describe("a task", () => {
  it("runs: its output comes in order, its exit code is 0, and the facts are in the result", async () => {
    const { exitCode, stdout, stderr, result, output } = await boxcar.runTask(
      {
        command: sh(
          'for i in 1 2 3; do echo "hello $i from $NAME"; done; echo err >&2; pwd; ' +
            "for i in 1 2 3 4 5 6 7 8 9; do head -c 150 /dev/zero | tr '\\0' '#'; echo; done > /dev/tty0",
        ),
        env: { NAME: "a guest" },
        cwd: "/tmp",
      },
      ["--screenshot", "screen.png"],
    );
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").slice(0, 5)).toEqual([
      ...["hello 1 from a guest", "hello 2 from a guest", "hello 3 from a guest", "err", "/tmp"],
    ]);
    expect(result).toMatchObject({ state: "completed", exitCode: 0, artifacts: [], accelerator: /kvm|tcg/ });
    expect(result.image?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(result.machine).toMatchObject({ memory: 256, cores: 1, chipset: "q35" });
    expect(Object.keys(result.timings).sort()).toEqual([
      "boot",
      "collect",
      "furnish",
      "image",
      "prepare",
      "release",
      "run",
      "start",
      "total",
    ]);
    expect(stderr).toMatch(/\[boxcar [\d:.]+\] the guest is up/);
    expect(await readFile(join(output, "task.log"), "utf8")).toContain("hello 2 from a guest\n");
    expect(JSON.parse(await readFile(join(output, "result.json"), "utf8"))).toMatchObject({ state: "completed" });

    const screen = PNG.sync.read(await readFile(join(boxcar.directory, "screen.png")));
    expect([screen.width, screen.height]).toEqual([1_280, 800]);
    const lit = screen.data.filter((value, index) => index % 4 === 1 && value > 64).length;
    // What the guest wrote there: more than a firmware or a kernel would, and far from all.
    expect(lit).toBeGreaterThan(20_000);
    expect(lit).toBeLessThan((screen.width * screen.height) / 2);
  });

  it("fails with the exit code of its command, and leaves its artifacts and its screen", async () => {
    const { exitCode, result, output } = await boxcar.runTask({
      command: sh("echo half > half.txt; exit 3"),
      artifacts: [
        { name: "half.txt", path: "half.txt" },
        { name: "maybe.txt", path: "maybe.txt", optional: true },
      ],
    });
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ state: "failed", reason: "command-failed", exitCode: 3 });
    expect(result.artifacts).toEqual([
      expect.objectContaining({ name: "half.txt", sizeBytes: 5 }),
      expect.objectContaining({ name: "public/screens/failure.png", contentType: "image/png" }),
    ]);
    expect(await readFile(join(output, "artifacts/half.txt"), "utf8")).toBe("half\n");
    expect((await readdir(output)).sort()).toContain("failure.png");
  });

  it("runs its steps one after another in one machine, and those for failures when one has failed", async () => {
    const { exitCode, result, stderr, stdout } = await boxcar.runTask({
      env: { WHO: "the task" },
      steps: [
        { name: "prepare", command: sh("echo $WHO > /tmp/shared; sleep 1000 & echo prepared") },
        { name: "check", command: sh("cat /tmp/shared; pgrep sleep && exit 4"), env: { WHO: "the step" } },
        { name: "deploy", command: ["true"] },
        { name: "report", command: sh("echo reported $WHO"), when: "on-failure" },
        { name: "clean up", command: ["true"], when: "always" },
      ],
    });
    expect(exitCode).toBe(1);
    const message = "the step check failed with exit code 4";
    expect(result).toMatchObject({ state: "failed", reason: "command-failed", exitCode: 4, message });
    const durationMs = expect.any(Number);
    expect(result.steps).toEqual([
      { name: "prepare", exitCode: 0, durationMs },
      { name: "check", exitCode: 4, durationMs },
      { name: "deploy", skipped: true },
      { name: "report", exitCode: 0, durationMs },
      { name: "clean up", exitCode: 0, durationMs },
    ]);
    expect(stdout).toMatch(/^prepared\nthe task\n\d+\nreported the task\n/);
    expect(stderr).toMatch(/step check: sh -c .*step check ended with exit code 4 after .*step report: /s);
  });

  it("says so where its command does not exist", async () => {
    const { exitCode, result } = await boxcar.runTask({ command: ["no-such-program", "x"] });
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({
      state: "failed",
      exitCode: 127,
      message: expect.stringContaining("no-such-program"),
    });
  });

  it("prints 50 MB, whole and in order, in bounded memory of the worker", async () => {
    const lines = 500_000;
    const { child } = await boxcar.startTask({
      command: ["awk", `BEGIN { for (i = 0; i < ${lines}; i++) printf "%099d\\n", i }`],
    });
    let peakKiB = 0;
    child.stdout?.on("data", () => {
      void readFile(`/proc/${child.pid}/status`, "utf8")
        .then((status) => {
          peakKiB = Math.max(peakKiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
        })
        .catch(() => {});
    });
    const { exitCode, stdout } = await finish(child);
    expect(exitCode).toBe(0);
    const body = stdout.slice(0, lines * 100);
    const expected = createHash("sha256");
    for (let i = 0; i < lines; i++) expected.update(`${String(i).padStart(99, "0")}\n`);
    expect(createHash("sha256").update(body).digest("hex")).toBe(expected.digest("hex"));
    expect(peakKiB).toBeGreaterThan(0);
    expect(peakKiB).toBeLessThan(300 * 1_024);
  });

  it("gives out a folder of 500 files and a file of 100 MB unchanged", async () => {
    const { exitCode, stdout, result, output } = await boxcar.runTask({
      command: sh(
        "mkdir -p d/sub; for i in $(seq 500); do echo $i > d/sub/$i; done; " +
          "head -c 100000000 /dev/urandom > big; sha256sum big",
      ),
      artifacts: [
        { name: "public/d", path: "d", type: "directory" },
        { name: "public/big", path: "big" },
      ],
    });
    expect(exitCode).toBe(0);
    expect(result.artifacts).toHaveLength(501);
    const names = await readdir(join(output, "artifacts/public/d/sub"));
    expect(names).toHaveLength(500);
    for (const name of names) {
      expect(await readFile(join(output, "artifacts/public/d/sub", name), "utf8")).toBe(`${name}\n`);
    }
    const sha256 = createHash("sha256")
      .update(await readFile(join(output, "artifacts/public/big")))
      .digest("hex");
    expect(stdout).toContain(sha256);
    expect(result.artifacts).toContainEqual(
      expect.objectContaining({ name: "public/big", sizeBytes: 100_000_000, sha256 }),
    );
  });

  it("fails where an artifact is missing, and keeps the others", async () => {
    const { exitCode, result } = await boxcar.runTask({
      command: sh("echo x > there"),
      artifacts: [
        { name: "missing", path: "missing" },
        { name: "there", path: "there" },
      ],
    });
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ state: "failed", reason: "file-missing-on-worker", exitCode: 0 });
    expect(result.artifacts).toEqual([
      expect.objectContaining({ name: "missing", error: "file-missing-on-worker" }),
      expect.objectContaining({ name: "there", sizeBytes: 2 }),
      expect.objectContaining({ name: "public/screens/failure.png" }),
    ]);
  });

  it("is ended after its maxRunTime, although it ignores SIGTERM, with the tail of its log", async () => {
    const { exitCode, stdout, result } = await boxcar.runTask({
      command: sh('trap "echo not yet" TERM; echo begun; while true; do sleep 1; done'),
      maxRunTime: 2,
    });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/begun\n(.*\n)*not yet\n/);
    expect(result).toMatchObject({ state: "failed", reason: "max-run-time-exceeded" });
  });

  it.each([
    ["guest-shutdown", "echo last words; /sbin/poweroff"],
    ["guest-reset", "echo last words; /sbin/reboot"],
    ["guest-panic", "echo last words; sleep 1; echo c > /proc/sysrq-trigger; sleep 60"],
  ])("fails with the reason %s when its machine ends that way", async (reason, script) => {
    const { exitCode, stdout, result } = await boxcar.runTask({ command: sh(script) });
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ state: "failed", reason });
    expect(stdout).toContain("last words\n");
    if (reason === "guest-panic") {
      expect(result.message).toMatch(/^the kernel of the guest panicked: sysrq triggered crash\n/);
    }
  });

  it("names the process that its kernel killed for want of memory, and leaves its console", async () => {
    const { exitCode, result, output } = await boxcar.runTask({
      command: sh("echo mark > /dev/ttyS0; tail /dev/zero"),
    });
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ state: "failed", reason: "command-failed", exitCode: 137 });
    expect(result.message).toMatch(/^the guest ran out of memory, and its kernel killed process \d+ \(tail\)/);
    expect(await readFile(join(output, "console.log"), "utf8")).toMatch(/^mark\r?\n[\s\S]*Out of memory/);
  });

  it("is an internal error when the disk of the host is full", async () => {
    const state = join(boxcar.directory, "small");
    await mkdir(state);
    await execa("mount", ["-t", "tmpfs", "-o", "size=60m", "none", state]);
    try {
      const { child } = await boxcar.startTask(
        { command: sh("dd if=/dev/urandom of=/root/big bs=1M count=100; sync") },
        [],
        {
          BOXCAR_STATE_DIR: state,
        },
      );
      const { exitCode, result } = await finish(child);
      expect(exitCode).toBe(3);
      expect(result).toMatchObject({ state: "exception", reason: "internal-error" });
      expect(result.message).toMatch(/^the host's disk is full/);
    } finally {
      await execa("umount", [state]);
    }
  });

  it("is an internal error when somebody kills its QEMU", async () => {
    const { child } = await boxcar.startTask({ command: sh("echo up; sleep 60") });
    await untilPrinted(child, "stdout", "up\n");
    const [machine] = await boxcar.machines();
    process.kill(machine as number, "SIGKILL");
    const { exitCode, result } = await finish(child);
    expect(exitCode).toBe(3);
    expect(result).toMatchObject({ state: "exception", reason: "internal-error", message: /SIGKILL/ });
  });
});

describe("the service of a machine", () => {
  it("has the agent for guests that fetch it", async () => {
    const request = "GET /engine/v1/agent/linux-x64 HTTP/1.0\\r\\n\\r\\n";
    const { stdout } = await boxcar.runTask({
      command: [
        "bash",
        "-c",
        `exec 3<>/dev/tcp/169.254.169.254/80; printf "${request}" >&3; read -r line <&3; echo "$line"`,
      ],
    });
    expect(stdout).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("two tasks at once", () => {
  it("each get their own command, and reach neither each other nor the host", async () => {
    const probe = (name: string) => [
      "bash",
      "-c",
      `echo i am ${name}; for t in 127.0.0.1/22 10.0.2.2/80 10.0.2.2/22 10.0.2.3/80 10.0.2.15/80; do
        timeout 5 bash -c ": < /dev/tcp/$t" 2>/dev/null && echo reached $t; done; echo done`,
    ];
    const [one, two] = await Promise.all([
      boxcar.runTask({ command: probe("one") }),
      boxcar.runTask({ command: probe("two") }),
    ]);
    expect(one.stdout.split("\n").slice(0, 2)).toEqual(["i am one", "done"]);
    expect(two.stdout.split("\n").slice(0, 2)).toEqual(["i am two", "done"]);
  });
});

describe("a mistake in a task", () => {
  it("is listed with all others, each with its path", async () => {
    const { exitCode, result, stderr } = await boxcar.runTask({
      command: [],
      env: { "1X": "y" },
      network: "intranet",
      machine: { memory: "lots" },
    });
    expect(exitCode).toBe(2);
    expect(result).toMatchObject({ state: "exception", reason: "malformed-payload" });
    expect(result.issues?.map(({ path }) => path).sort()).toEqual([
      "command",
      'env["1X"]',
      "machine.memory",
      "network",
    ]);
    expect(stderr).toContain("4 issues");
  });

  it("names what was asked for and what is allowed, where it is memory", async () => {
    const { exitCode, result } = await boxcar.runTask({ command: ["true"], machine: { memory: 900_000 } });
    expect(exitCode).toBe(2);
    expect(result.reason).toBe("malformed-payload");
    expect(result.message).toMatch(/900.?000/);
    expect(result.message).toMatch(/\b(4096|\d{3,4})\b/);
  });
});
