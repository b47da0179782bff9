import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

let folder: string;
let config: string;

beforeAll(async () => {
  folder = await mkdtemp("/tmp/bxw-");
  config = join(folder, "worker.json");
  const tls = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const http = { listen: "0.0.0.0:0", tls, names: ["localhost"], fleetUrl: "https://builder-1.internal:7070" };
  const document = {
    ...{ stateDir: join(folder, "state"), runDir: join(folder, "run"), access: { enabled: true } },
    worker: { http, reserve: { memory: 0, diskGiB: 0 } },
  };
  await writeFile(config, JSON.stringify(document));
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  await execa("openssl", ["req", ...kind, ...subject, "-keyout", tls.key, "-out", tls.certificate]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function boxcar(...args: string[]) {
  return execa(process.execPath, [MAIN, ...args, "--config", config], { reject: false, stdin: "ignore" });
}

/** Resolves with the port it listens on, when it claims tasks. */
async function untilClaims(worker: ReturnType<typeof boxcar>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let text = "";
  worker.stderr.on("data", (chunk: Buffer) => {
    text += chunk;
    if (!text.includes("claims tasks from")) return;
    resolve(Number(/listens on https:\/\/0\.0\.0\.0:(\d+)/.exec(text)?.[1]));
  });
  void worker.then(() => reject(new Error(text)));
  return await promise;
}

it("a worker on a network lets in who has a token, and on its own socket its own user", async () => {
  const worker = boxcar("worker", "--log-format", "text");
  try {
    const port = await untilClaims(worker);
    const ca = await readFile(join(folder, "cert.pem"));
    const ask = async (path: string, headers: Record<string, string> = {}, method = "GET") => {
      const type = { "content-type": "application/json" };
      const asked = request({
        ...{ host: "127.0.0.1", servername: "localhost" },
        port,
        path,
        method,
        ca,
        agent: false,
        headers: { ...type, ...headers },
      });
      asked.end();
      const [response] = await once(asked, "response");
      return { status: response.statusCode, json: await json(response) };
    };
    const token = async (role: string) => {
      const { stdout } = await boxcar("token", "create", "--name", role, "--role", role);
      return { authorization: `Bearer ${stdout}` };
    };
    const [viewer, admin] = [await token("viewer"), await token("admin")];

    expect(await ask("/healthz")).toMatchObject({ status: 200 });
    expect(await ask("/api/v1/tasks")).toMatchObject({ status: 401, json: { code: "unauthenticated" } });
    expect(await ask("/api/v1/tasks", viewer)).toMatchObject({ status: 200 });
    expect(await ask("/api/v1/worker/pause", viewer, "POST")).toMatchObject({ status: 403 });
    expect(await ask("/api/v1/worker/pause", admin, "POST")).toMatchObject({ status: 200, json: { state: "paused" } });
    expect(await ask("/api/v1/tasks", { ...viewer, host: "evil.example" })).toMatchObject({ status: 403 });
    const workers = await ask("/api/v1/workers", { ...viewer, host: "builder-1.internal:7070" });
    expect(workers).toMatchObject({ status: 200, json: [{ url: "https://builder-1.internal:7070" }] });
    expect(JSON.parse((await boxcar("worker", "resume", "--json")).stdout)).toMatchObject({ state: "claiming" });

    const entries = JSON.parse((await boxcar("audit", "--json")).stdout);
    expect(entries).toMatchObject([
      { principal: "local", via: "socket", target: "worker/resume", outcome: "ok" },
      { principal: "admin", via: "token", target: "worker/pause", outcome: "ok", address: "127.0.0.1" },
      { principal: "viewer", via: "token", target: "worker/pause", outcome: "refused" },
      { action: "token.create" },
      { action: "token.create" },
    ]);
    expect((await boxcar("token", "list")).stdout).not.toMatch(/ never$/m);
  } finally {
    worker.kill("SIGTERM");
    await worker;
  }
});
