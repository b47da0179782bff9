import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import { EmbeddedDatabase } from "../../../src/queue/embedded/embedded-database.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import { claimOne, reasonOf, until } from "../../contract/queue.ts";
import { Claimer } from "./claimers.ts";

const LEASE_MS = 1_500;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp("/tmp/bxq-");
});

afterEach(async () => {
  const pid = await serverPid();
  if (pid !== undefined) await killServer(pid);
  await rm(folder, { recursive: true });
});

async function open(directory = join(folder, "queue")): Promise<PostgresQueue> {
  const connection = await EmbeddedDatabase.open({ directory, runDir: join(folder, "run") });
  return await PostgresQueue.open({ connection, files: await HostArtifacts.open(join(folder, "artifacts")) });
}

function openDriver(queue: PostgresQueue, leaseMs = LEASE_MS) {
  return queue.openDriver({ queue: "default", workerId: "worker-1", leaseMs, maxWaitMs: 500 });
}

function claimer(mode: "run" | "hold"): Claimer {
  return new Claimer({ mode, folder, leaseMs: LEASE_MS });
}

/** Undefined if none runs, as far as it says. */
async function serverPid(directory = join(folder, "queue")): Promise<number | undefined> {
  const text = await readFile(join(directory, "data/postmaster.pid"), "utf8").catch(() => "");
  const pid = Number(text.split("\n")[0]);
  return pid > 0 && isAlive(await readFile(`/proc/${pid}/status`, "utf8").catch(() => "")) ? pid : undefined;
}

function isAlive(status: string): boolean {
  return status !== "" && !/^State:\s+[ZX]/m.test(status);
}

async function killServer(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until(async () => !isAlive(await readFile(`/proc/${pid}/status`, "utf8").catch(() => "")));
}

describe("the embedded queue", () => {
  it("is stopped by who leaves last, and has everything when it is opened again", async () => {
    const first = await open();
    const pid = await serverPid();
    const second = await open();
    expect(await serverPid()).toBe(pid);
    const { taskId } = await first.submit({ payload: { a: 1 } });
    await first[Symbol.asyncDispose]();
    expect(await serverPid()).toBe(pid);
    expect((await second.show(taskId)).state).toBe("pending");
    await second[Symbol.asyncDispose]();
    expect(await serverPid()).toBeUndefined();
    await using third = await open();
    expect((await third.show(taskId)).state).toBe("pending");
  });

  it("is made and started once by many who come and go at the same moment", async () => {
    const ids = await Promise.all(
      Array.from({ length: 5 }, async () => {
        await using queue = await open();
        return (await queue.submit({ payload: {} })).taskId;
      }),
    );
    expect(await serverPid()).toBeUndefined();
    await using queue = await open();
    expect((await queue.list()).map(({ taskId }) => taskId).sort()).toEqual(ids.sort());
    expect((await readdir(join(folder, "queue"))).sort()).toEqual(["data", "locks"]);
  });

  it("lies below folders that only their owner may enter, with a path that no socket could have", async () => {
    const long = join(folder, "d".repeat(100), "e".repeat(100));
    await mkdir(long, { recursive: true });
    for (const path of [folder, join(folder, "d".repeat(100)), long]) await chmod(path, 0o700);
    await using queue = await open(join(long, "queue"));
    await expect(queue.submit({ payload: {} })).resolves.toMatchObject({ state: "pending" });
  });

  it("is shared by processes: what one submits another runs", async () => {
    await using queue = await open();
    await using _other = claimer("run");
    const { taskId } = await queue.submit({ payload: {} });
    await until(async () => (await queue.show(taskId)).state === "completed");
    expect((await queue.show(taskId)).runs[0]?.workerId).toMatch(/^claimer-\d+$/);
  });

  it("outlives the process that started it, and is taken over from those that were killed", async () => {
    const first = claimer("hold");
    await first.says("open");
    const pid = await serverPid();
    expect(pid).toBeDefined();
    await first.end("SIGKILL");
    expect(await serverPid()).toBe(pid);
    {
      await using _queue = await open();
      expect(await serverPid()).toBe(pid);
    }
    expect(await serverPid()).toBeUndefined();
  });

  it("gives a task of a process that was killed to another", async () => {
    await using queue = await open();
    const { taskId } = await queue.submit({ payload: {} });
    await using first = claimer("hold");
    expect(await first.says("claimed")).toBe(`claimed ${taskId} 0`);
    await first.end("SIGKILL");
    const again = await claimOne(openDriver(queue));
    expect(again.task).toMatchObject({ taskId, runId: 1 });
    expect((await queue.show(taskId)).runs[0]).toMatchObject({ state: "exception", reason: "claim-expired" });
  });

  it("hears nothing of a process that was stopped for longer than its lease", async () => {
    await using queue = await open();
    const { taskId } = await queue.submit({ payload: {} });
    await using first = claimer("hold");
    await first.says("claimed");
    first.signal("SIGSTOP");
    const again = await claimOne(openDriver(queue));
    const renewing = setInterval(() => void again.renew().catch(() => {}), LEASE_MS / 3);
    first.signal("SIGCONT");
    first.tell("renew");
    first.tell("resolve");
    expect(await first.says("lost")).toBe("lost claim-expired");
    await first.says("resolve done");
    expect(await queue.show(taskId)).toMatchObject({ state: "running", runs: [{ reason: "claim-expired" }, {}] });
    clearInterval(renewing);
    await again.resolve({ kind: "failed" });
    expect((await queue.show(taskId)).state).toBe("failed");
  });

  it("is started again by whoever misses it after it was killed, and no claim is lost by that", async () => {
    await using queue = await open();
    const driver = openDriver(queue, 60_000);
    const ids: string[] = [];
    for (let count = 0; count < 3; count++) ids.push((await queue.submit({ payload: {} })).taskId);
    const claim = await claimOne(driver);
    await killServer((await serverPid()) ?? 0);
    await until(() => queue.show(ids[0] ?? "").then(Boolean, () => false));
    await claim.renew();
    expect(claim.lost.aborted).toBe(false);
    await claim.resolve({ kind: "completed" });
    const other = await claimOne(driver);
    const lost = reasonOf(other, 10_000);
    await queue.cancel(other.task.taskId);
    expect((await lost).reason).toBe("canceled");
    expect((await queue.show(claim.task.taskId)).state).toBe("completed");
  });

  it("is not misled by a process that has got the pid of an earlier server", async () => {
    {
      await using _queue = await open();
    }
    await writeFile(join(folder, "queue/data/postmaster.pid"), `${process.pid}\n/proc/self/fd/3\n1\n5432\n.\n\n`);
    await using queue = await open();
    await expect(queue.list()).resolves.toEqual([]);
  });

  it("says what to do where the database is of a version that is not installed", async () => {
    {
      await using _queue = await open();
    }
    await writeFile(join(folder, "queue/data/PG_VERSION"), "12\n");
    await expect(open()).rejects.toMatchObject({
      code: "queue-database-version",
      blame: "host",
      message: expect.stringMatching(/was made by PostgreSQL 12.*install postgresql-12/),
    });
  });

  it("says why its server does not start", async () => {
    {
      await using _queue = await open();
    }
    await rm(join(folder, "queue/data/global"), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: "queue-database-not-started", blame: "host" });
  }, 90_000);

  it.skipIf(process.getuid?.() !== 0)("is closed to other users of the host", async () => {
    await using _queue = await open();
    const as = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    await chmod(folder, 0o755);
    await chmod(join(folder, "queue"), 0o755);
    const { exitCode } = await execa("setpriv", [...as, "--", "ls", join(folder, "queue/data")], { reject: false });
    expect(exitCode).not.toBe(0);
  });
});
