/** `images.requireSignature`: an image of the store that nobody has signed starts no machine. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ApiJob, ApiTask } from "../../../src/generated/api.ts";
import { ImageSignatures } from "../../../src/image/signatures/image-signatures.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { signImage, verifiedKeys } from "../../../src/signing/image-signature.ts";
import { generateKeys, parsePrivateKey, parsePublicKey } from "../../../src/signing/keys.ts";
import { ArchiveFolder } from "../image/archives.ts";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
const keys = generateKeys();

let folder: string;
let config: string;
let digest: string;

beforeAll(async () => {
  folder = await mkdtemp("/tmp/bxsign-");
  config = join(folder, "worker.json");
  const key = join(folder, "team.pem.pub");
  await writeFile(key, keys.publicPem);
  const folders = { stateDir: join(folder, "state"), runDir: join(folder, "run") };
  const worker = { http: { listen: "127.0.0.1:0" }, reserve: { memory: 0, diskGiB: 0 } };
  const images = { directory: join(folder, "images"), requireSignature: { keys: [key] } };
  await writeFile(config, JSON.stringify({ ...folders, worker, images }));
  using archives = new ArchiveFolder();
  await using store = await ImageStore.open({ directory: images.directory, limits: { reserveBytes: 0 } });
  ({ digest } = await store.import(archives.packImage(archives.makeImage()), { tag: "tiny" }));
  const other = archives.makeImage();
  await writeFile(join(other, "disk.img"), Buffer.alloc(1_048_576, 1));
  await store.import(archives.packImage(other), { tag: "other" });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const boxcar = (...args: string[]) =>
  execa(process.execPath, [MAIN, "--config", config, ...args], { reject: false, stdin: "ignore", cwd: folder });

it("a worker refuses a task that names it", async () => {
  const worker = boxcar("worker", "--log-format", "text");
  const port = await new Promise<number>((resolve, reject) => {
    let text = "";
    worker.stderr.on("data", (chunk: Buffer) => {
      text += chunk;
      const [, found] = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? [];
      if (found !== undefined) resolve(Number(found));
    });
    void worker.then(() => reject(new Error(text)));
  });
  const base = `http://127.0.0.1:${port}/api/v1`;
  const ask = async (path: string, body?: object) => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return (await (await fetch(base + path, body === undefined ? {} : init)).json()) as ApiTask & ApiJob;
  };
  const { taskId } = await ask("/tasks", { payload: { image: "tiny", command: ["true"] } });
  let task: ApiTask;
  do task = await ask(`/tasks/${taskId}`);
  while (task.state === "pending" || task.state === "running" || task.state === "unscheduled");
  expect(JSON.stringify(task)).toContain("malformed-payload");
  expect(JSON.stringify(task)).toMatch(/is not signed; sign it with one of images\.requireSignature\.keys/);
  let warming = await ask("/images/warm", { image: "tiny" });
  while (warming.state === "running") warming = await ask(`/images/jobs/${warming.job}`);
  expect(warming).toMatchObject({ state: "failed", error: { code: "image-unsigned" } });
  worker.kill("SIGTERM");
  await worker;
});

it("a command refuses it, unless it is told not to", async () => {
  const run = await boxcar("run", "--json", "--image", "tiny", "--", "true");
  expect(run.exitCode).toBe(2);
  expect(JSON.parse(run.stdout.split("\n").at(-1) ?? "")).toMatchObject({
    reason: "malformed-payload",
    message: expect.stringMatching(/is not signed/),
  });
  const warm = await boxcar("image", "warm", "tiny");
  expect({ exitCode: warm.exitCode, stderr: warm.stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/is not signed/),
  });
  // The disk holds nothing that boots, but a machine is started from it.
  const brief = { ...process.env, BOXCAR_QEMU_BINARY: "/nonexistent/qemu" };
  const options = { reject: false, stdin: "ignore", cwd: folder, env: brief } as const;
  const words = ["--config", config, "run", "--json", "--allow-unsigned", "--image", "tiny", "--", "true"];
  const told = await execa(process.execPath, [MAIN, ...words], options);
  expect(told.stdout).not.toMatch(/is not signed/);
  expect(told.exitCode).not.toBe(0);
});

it("no image is made in a machine that starts from it, unless it is told so", async () => {
  const recipe = join(folder, "from-tiny.yml");
  await writeFile(recipe, "name: child\nfrom: { image: tiny }\ncommands: ['true']\n");
  const env = { BOXCAR_QEMU_BINARY: "/nonexistent/qemu" };
  const build = async (...args: string[]) =>
    await execa(process.execPath, [MAIN, "--config", config, "image", "build", recipe, ...args], {
      ...{ reject: false, stdin: "ignore", cwd: folder, env },
    });
  const refused = await build();
  expect({ exitCode: refused.exitCode, stderr: refused.stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/is not signed/),
  });
  const told = await build("--allow-unsigned");
  expect(told.stderr).not.toMatch(/is not signed/);
  expect(told.exitCode).not.toBe(0);
});

it("no disk is looked into by a machine that starts from it", async () => {
  const diff = await boxcar("image", "diff", "tiny", "other", "--files", "--inspector", "tiny");
  expect({ exitCode: diff.exitCode, stderr: diff.stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/is not signed/),
  });
});

it("who signs it states what is so, not what somebody else has stated before", async () => {
  const signatures = new ImageSignatures(join(folder, "images"));
  const eve = parsePrivateKey(generateKeys().privatePem);
  await signatures.add(signImage({ digest, name: "production" }, eve));
  const team = generateKeys();
  const key = join(folder, "own.pem");
  await writeFile(key, team.privatePem, { mode: 0o600 });
  const { exitCode } = await boxcar("image", "sign", "tiny", "--key", key);
  const signature = await signatures.read(digest);
  expect({ exitCode, name: signature?.statement.name }).toEqual({ exitCode: 0, name: undefined });
  expect(signature && verifiedKeys(signature, [parsePublicKey(team.publicPem, "it")])).toHaveLength(1);
});

it("a signature of a key that counts lets it in", async () => {
  const signatures = new ImageSignatures(join(folder, "images"));
  const key = parsePrivateKey(keys.privatePem);
  await signatures.add(signImage({ digest }, key), [key]);
  const { stdout, exitCode } = await boxcar("image", "verify", "tiny", "--json");
  expect({ exitCode, found: JSON.parse(stdout) }).toMatchObject({ exitCode: 0, found: { accepted: true } });
});
