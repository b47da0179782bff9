import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scope } from "../../src/base/scope.ts";
import { DirectoryRegistry } from "../../src/image/registry/directory-registry.ts";
import { HttpRegistry } from "../../src/image/registry/http-registry.ts";
import { StaticServer } from "../integration/image/static-server.ts";
import { RegistryWorker } from "../integration/web/registry-worker.ts";
import { describeRegistry } from "./image-registry.ts";

async function openFolder(scope: Scope): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "boxcar-registry-"));
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

describeRegistry("a folder", async (scope) => {
  const registry = await DirectoryRegistry.open(join(await openFolder(scope), "new/one"), { create: true });
  return { target: registry, source: registry };
});

describeRegistry("a folder behind a web server", async (scope) => {
  const directory = await openFolder(scope);
  const target = await DirectoryRegistry.open(directory, { create: true });
  const server = scope.use(await StaticServer.start(directory));
  return { target, source: HttpRegistry.at(`${server.url}/`) };
});

describeRegistry("a worker", async (scope) => {
  const worker = scope.use(await RegistryWorker.start());
  const registry = HttpRegistry.at(worker.url, { token: "olga:operator" });
  return { target: registry, source: registry };
});
