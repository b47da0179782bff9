/** A task that starts from what another has left. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ImageStore } from "../../src/image/store/image-store.ts";
import { ArchiveFolder, sha256Of } from "../integration/image/archives.ts";
import { Boxcar, type Running } from "./boxcar.ts";
import { end, WorkerProcesses } from "./worker-process.ts";

const ARTIFACT = "public/image.tar.zst";

const archives = new ArchiveFolder();
let boxcar: Boxcar;
let workers: WorkerProcesses;
let started: { worker: Running };

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
  workers = await WorkerProcesses.open(boxcar, { images: { allowArtifacts: true } });
  started = await workers.start();
});

afterAll(async () => {
  await end(started.worker);
  await boxcar[Symbol.asyncDispose]();
  archives[Symbol.dispose]();
});

/** The archive of an image that lies on the default one and changes nothing: small enough for a command line. */
async function packChild(): Promise<string> {
  await using store = await ImageStore.open({ directory: boxcar.images });
  const [parent] = await store.list();
  if (parent === undefined) throw new Error("there is no default image");
  const { files, digest, sizes, machine } = parent;
  const directory = join(archives.path, "child");
  const [backing, format] = files["layer.qcow2"] === undefined ? ["disk.img", "raw"] : ["layer.qcow2", "qcow2"];
  archives.run(archives.path, ["mkdir", directory]);
  archives.file("child/image.json", Buffer.from(JSON.stringify({ name: "child", parent: { digest } })));
  archives.file("child/machine.json", Buffer.from(JSON.stringify(machine)));
  const based = ["-u", "-b", `parent/${backing}`, "-F", format, "layer.qcow2", String(sizes.virtualBytes)];
  archives.run(directory, ["qemu-img", "create", "-q", "-f", "qcow2", ...based]);
  return archives.pack(directory, ["--format=posix", "-S", "image.json", "machine.json", "layer.qcow2"]);
}

it("boots from an artifact of another task, as long as there is one", async () => {
  const archive = await packChild();
  const content = (await readFile(archive)).toString("base64");
  const maker = await workers.submit(`echo ${content} | base64 -d > image.tar.zst`, {
    artifacts: [{ name: ARTIFACT, path: "image.tar.zst" }],
  });
  expect(await workers.ended(maker)).toMatchObject({ state: "completed" });

  const [taskId, other] = await Promise.all([
    workers.submit("echo it runs", { image: { taskId: maker, artifact: ARTIFACT } }),
    workers.submit("echo never", { image: { taskId: maker, artifact: "public/no-such-image" } }),
  ]);
  const log = await workers.follow(taskId);
  expect(log).toContain(`image sha256:${sha256Of(archive).slice(0, 12)}`);
  expect(log).toContain("\nit runs\n");
  expect(await workers.ended(taskId)).toMatchObject({ state: "completed" });
  expect(await workers.follow(other)).toContain('there is no artifact "public/no-such-image" of this run');
  const refusal = { state: "exception", runs: [{ reason: "malformed-payload" }] };
  expect(await workers.ended(other)).toMatchObject(refusal);
});
