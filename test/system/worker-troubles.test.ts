/** What a worker does when something around it does not work, with real machines. */
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FileArtifact } from "../../src/queue/driver.ts";
import { put } from "../../src/queue/taskcluster/put.ts";
import { FakeClaim } from "../fakes/fake-queue.ts";
import { Boxcar, finish, untilPrinted } from "./boxcar.ts";
import { PostgresWorkers } from "./postgres-workers.ts";
import { end, WorkerProcesses } from "./worker-process.ts";
import { WorkerInProcess } from "./workers.ts";

/** More than nothing, less than the small disk has. */
const RESERVE = { diskGiB: 100 / 1_024 };
const SMALL = { memory: 256, cores: 1 };

describe("a run whose store fails", () => {
  let boxcar: Boxcar;
  let store: Server;
  /** Status of each answer so far. */
  let answers: number[];

  beforeEach(async () => {
    boxcar = await Boxcar.open();
    answers = [];
    store = createServer((request, response) => {
      const status = answers.length < 10 ? 500 : 200;
      answers.push(status);
      request.resume().on("end", () => response.writeHead(status).end());
    }).listen(0, "127.0.0.1");
    await once(store, "listening");
  });

  afterEach(async () => {
    store.closeAllConnections();
    store.close();
    await boxcar[Symbol.asyncDispose]();
  });

  it("ten times has its artifacts there in the end, and completes", async () => {
    await using the = await WorkerInProcess.open(boxcar);
    const names = ["public/a", "public/b", "public/c"];
    const claim = new FakeClaim({
      machine: SMALL,
      command: ["sh", "-c", "echo a > a; echo b > b; echo c > c"],
      artifacts: names.map((name) => ({ name, path: name.slice(-1) })),
    });
    const stored: string[] = [];
    claim.artifacts.putFile = async (artifact: FileArtifact, signal) => {
      const url = `http://127.0.0.1:${(store.address() as AddressInfo).port}/`;
      const { name, file, sizeBytes } = artifact;
      await put(
        { artifact: name, url, headers: {}, sizeBytes, open: () => createReadStream(file) },
        { signal, silenceMs: 5_000 },
      );
      stored.push(name);
    };
    the.queue.add(claim);
    await expect(claim.told).resolves.toEqual({ kind: "completed" });
    expect(answers.filter((status) => status === 500)).toHaveLength(10);
    expect(stored).toEqual(expect.arrayContaining([...names, "public/logs/task.log"]));
    await the.until(({ finished }) => finished.total === 1);
    expect(await boxcar.leftovers()).toEqual([]);
  });
});

const canMount = process.getuid?.() === 0 && (await execa("unshare", ["-m", "true"], { reject: false })).exitCode === 0;

describe.skipIf(!canMount)("a worker whose disk is full (needs root, to mount a small one)", () => {
  const sizeMiB = 512;
  let boxcar: Boxcar;
  let disk: string;

  beforeEach(async () => {
    boxcar = await Boxcar.open({ ownImages: "default" });
    disk = join(boxcar.directory, "state");
    await mkdir(disk);
    await execa("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m,mode=0755`, "boxcar-test", disk]);
  });

  afterEach(async () => {
    await execa("umount", ["--lazy", disk]);
    await boxcar[Symbol.asyncDispose]();
  });

  /** Leaves nothing of it. */
  async function fill(): Promise<string> {
    const file = join(disk, "filler");
    const { bavail, bsize } = await statfs(disk);
    await writeFile(file, Buffer.alloc(bavail * bsize)).catch(() => {});
    const isFull = () =>
      appendFile(file, Buffer.alloc(4_096)).then(
        () => false,
        () => true,
      );
    while (!(await isFull()));
    return file;
  }

  it("ends the task as an internal error, claims nothing and says why, and goes on when there is room", async () => {
    await using fleet = await PostgresWorkers.open(boxcar);
    const worker = await fleet.start("state", { worker: { capacity: 1, reserve: RESERVE } });
    const { process, configFile, stateDir, runDir } = worker;
    const status = async () => {
      const env = { BOXCAR_STATE_DIR: stateDir, BOXCAR_RUN_DIR: runDir };
      const { stdout } = await boxcar.run(["worker", "status", "--json", "--config", configFile], env);
      return JSON.parse(stdout) as { state: string; why?: string };
    };
    const artifacts = [{ name: "public/large", path: "large" }];
    const full = await fleet.submit("echo ready; dd if=/dev/urandom of=large bs=1M count=20; sleep 3", { artifacts });
    const waits = untilPrinted(process, "stderr", "claims no tasks: ");
    while (!(await logOf(worker.stateDir, full)).includes("ready")) await new Promise(setImmediate);
    const filler = await fill();
    await waits;
    expect(await fleet.queue.show(full)).toMatchObject({ state: "exception", runs: [{ reason: "internal-error" }] });
    expect(await status()).toMatchObject({ state: "waiting", why: expect.stringContaining("are free on the disk") });

    const next = await fleet.submit("true");
    const goesOn = untilPrinted(process, "stderr", "there is room for tasks again");
    await rm(filler);
    await goesOn;
    for (;;) if ((await fleet.queue.show(next)).state === "completed") break;
    process.kill("SIGTERM");
    expect(await finish(process)).toMatchObject({ exitCode: 0 });
  });

  it("keeps a run that has ended until there is room to say so, where the queue is on that disk", async () => {
    const workers = await WorkerProcesses.open(boxcar);
    const full = await workers.submit("echo ready; sleep 2");
    const { worker } = await workers.start();
    await workers.untilLogged(full, "\nready\n");
    const refused = untilPrinted(worker, "stderr", "could not be handed over, and is tried again");
    const filler = await fill();
    await refused;
    await rm(filler);
    expect(await workers.ended(full)).toMatchObject({ state: "completed" });
    expect(await workers.ended(await workers.submit("true"))).toMatchObject({ state: "completed" });
    expect(await end(worker)).toMatchObject({ exitCode: 0 });
  });

  async function logOf(stateDir: string, taskId: string): Promise<string> {
    return await readFile(join(stateDir, "runs", taskId, "0/task.log"), "utf8").catch(() => "");
  }
});
