/** npm's own client, by a proxy with a cache, from a server that is to it what the registry of npm is. */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import { runCommand } from "../../../src/host/command.ts";
import { makeFolder, openProxies, settings, startMachine, startUpstream, type TestMachine } from "./proxy-harness.ts";

let scope = new Scope();

afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const PACKAGES = [
  { name: "boxcar-left", version: "1.0.0", dependencies: { "@boxcar-test/right": "^2.0.0" } },
  { name: "@boxcar-test/right", version: "2.1.0" },
] as const;

/** As the registry of npm: names of packages with `%2f`, and tarballs under its own name, wherever it was asked. */
async function startRegistry() {
  const folder = await makeFolder(scope);
  const files = new Map<string, { body: Buffer; headers: Record<string, string> }>();
  for (const manifest of PACKAGES) {
    const source = join(folder, manifest.name);
    await mkdir(source, { recursive: true });
    await writeFile(join(source, "package.json"), JSON.stringify(manifest));
    await writeFile(join(source, "index.js"), `module.exports = ${JSON.stringify(manifest.name)};\n`);
    const { stdout } = await npm(["pack", "--json"], source, folder);
    const [packed] = JSON.parse(stdout) as { filename: string; integrity: string }[];
    if (packed === undefined) throw new Error(stdout);
    const path = `/${manifest.name}/-/${packed.filename}`;
    const tarball = { tarball: `https://registry.npmjs.org${path}`, integrity: packed.integrity };
    const packument = {
      name: manifest.name,
      "dist-tags": { latest: manifest.version },
      versions: { [manifest.version]: { ...manifest, dist: tarball } },
    };
    const body = Buffer.from(JSON.stringify(packument));
    files.set(`/${manifest.name.replace("/", "%2f")}`, {
      body,
      headers: {
        "content-type": "application/json",
        "cache-control": "public, max-age=300",
        etag: `"${createHash("sha256").update(body).digest("hex")}"`,
        vary: "accept-encoding, accept",
      },
    });
    files.set(path, {
      body: await readFile(join(source, packed.filename)),
      headers: { "content-type": "application/octet-stream", "cache-control": "public, immutable, max-age=31557600" },
    });
  }
  return await startUpstream(scope, (request, response) => {
    const file = files.get(request.url ?? "");
    if (file === undefined) response.writeHead(404).end("{}");
    else response.writeHead(200, { ...file.headers, "content-length": String(file.body.length) }).end(file.body);
  });
}

async function npm(args: readonly string[], cwd: string, home: string) {
  // What the npm that runs these tests says to its scripts must not reach this one.
  const clean = ["-u", "npm_config_local_prefix", "-u", "npm_config_global_prefix", "-u", "npm_config_prefix"];
  const env = {
    HOME: home,
    npm_config_cache: join(home, "npm-cache"),
    npm_config_userconfig: join(home, "npmrc"),
    npm_config_update_notifier: "false",
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_fetch_retries: "0",
  };
  return await runCommand(["env", ...clean, "npm", ...args], { cwd, env, timeoutMs: 50_000 });
}

/** What a task would do, with nothing of what another has left. */
async function install(machine: TestMachine): Promise<string[]> {
  const folder = await makeFolder(scope);
  await writeFile(join(folder, "package.json"), "{}");
  await npm(["install", `--registry=${machine.url}/npm/`, "boxcar-left"], folder, folder);
  return await Promise.all(
    PACKAGES.map(({ name }) =>
      readFile(join(folder, "node_modules", name, "index.js"), "utf8").then((text) => text.trim()),
    ),
  );
}

describe("npm, by a proxy with a cache", () => {
  it("installs packages and what they need; the next machine without asking the registry, also when that is gone", async () => {
    const registry = await startRegistry();
    const proxies = await openProxies(scope, { npm: settings(registry.url) });
    const installed = ['module.exports = "boxcar-left";', 'module.exports = "@boxcar-test/right";'];
    expect(await install(await startMachine(scope, proxies))).toEqual(installed);
    expect([...registry.asked].sort()).toEqual([
      "GET /@boxcar-test%2fright",
      "GET /@boxcar-test/right/-/boxcar-test-right-2.1.0.tgz",
      "GET /boxcar-left",
      "GET /boxcar-left/-/boxcar-left-1.0.0.tgz",
    ]);
    expect(await install(await startMachine(scope, proxies))).toEqual(installed);
    expect(registry.asked).toHaveLength(4);
    await registry.stop();
    expect(await install(await startMachine(scope, proxies))).toEqual(installed);
    expect(proxies.stats()["npm"]).toMatchObject({ failures: 0, requests: 12, hits: 8 });
  });
});
