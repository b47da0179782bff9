/** What a worker answers as a registry, on loopback, over a real store. Who asks is the bearer token: `name:role`. */
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Principal } from "../../../src/access/principal.ts";
import type { Role } from "../../../src/access/role.ts";
import { Scope } from "../../../src/base/scope.ts";
import { ImageSignatures } from "../../../src/image/signatures/image-signatures.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { buildOpenApi } from "../../../src/web/api/openapi.ts";
import { registryRoutes } from "../../../src/web/images/registry-routes.ts";
import { HttpService } from "../../../src/web/server/service.ts";
import { CheckedClient } from "./checked-client.ts";

interface Parts {
  store: ImageStore;
  directory: string;
  port: number;
  client: CheckedClient;
  failures: unknown[];
}

export class RegistryWorker implements AsyncDisposable {
  readonly store: ImageStore;
  readonly directory: string;
  readonly port: number;
  readonly url: string;
  readonly client: CheckedClient;
  /** What was not told to clients. */
  readonly failures: readonly unknown[];
  readonly #scope: Scope;

  private constructor({ store, directory, port, client, failures }: Parts, scope: Scope) {
    this.store = store;
    this.directory = directory;
    this.port = port;
    this.url = `http://127.0.0.1:${port}/api/v1/registry`;
    this.client = client;
    this.failures = failures;
    this.#scope = scope;
  }

  static async start({ maxArchiveBytes = 2 ** 30 } = {}): Promise<RegistryWorker> {
    await using scope = new Scope();
    const directory = await mkdtemp(join(tmpdir(), "boxcar-worker-"));
    scope.defer(() => rm(directory, { recursive: true, force: true }));
    const store = scope.use(await ImageStore.open({ directory, limits: { reserveBytes: 0 } }));
    const signatures = new ImageSignatures(directory);
    const routes = registryRoutes({ images: store, signatures, maxArchiveBytes });
    const failures: unknown[] = [];
    const onFailure = (error: unknown) => void failures.push(error);
    const app = createApp({ routes, authenticate: async (request) => userOf(request), onFailure });
    const limits = { requestTimeout: 1_000 };
    const service = scope.use(await HttpService.listen({ host: "127.0.0.1", port: 0 }, app, undefined, { limits }));
    const port = service.port ?? 0;
    const document = buildOpenApi({ routes, sockets: [], version: "1" });
    const client = new CheckedClient({ port, document, headers: { authorization: "Bearer olga:operator" } });
    return new RegistryWorker({ store, directory, port, client, failures }, scope.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

function userOf({ headers }: IncomingMessage): Principal | undefined {
  const [, name, role] = /^Bearer (\w+):(\w+)$/.exec(headers.authorization ?? "") ?? [];
  return name === undefined ? undefined : { name, role: role as Role, via: "token" };
}
