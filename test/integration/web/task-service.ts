/**
 * What a worker answers about tasks, runs, artifacts and images, on loopback: with a real queue in PostgreSQL, a real
 * store of images and real files, and no machine. Who asks is who `X-User` says: `name:role`.
 */
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { HOST, type Principal } from "../../../src/access/principal.ts";
import type { Role } from "../../../src/access/role.ts";
import { DirectoryStore } from "../../../src/artifact/directory-store.ts";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import { WorkerError } from "../../../src/base/errors.ts";
import { Scope } from "../../../src/base/scope.ts";
import { type ApiHost, hostImageRoutes, taskRoutes } from "../../../src/cli/worker/task-api.ts";
import { type Config, resolveConfig } from "../../../src/config/config.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import type { Claim, QueueDriver, Resolution } from "../../../src/queue/driver.ts";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import { openSnapshots } from "../../../src/snapshot/open-snapshots.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { buildOpenApi } from "../../../src/web/api/openapi.ts";
import { openApiRoute } from "../../../src/web/api/openapi-route.ts";
import { schemaRoutes } from "../../../src/web/api/schema-routes.ts";
import { FleetArtifacts } from "../../../src/web/fleet/fleet-artifacts.ts";
import { Jobs } from "../../../src/web/images/jobs.ts";
import { HttpService } from "../../../src/web/server/service.ts";
import { healthRoutes } from "../../../src/web/worker/health-routes.ts";
import { HostRuns } from "../../../src/worker/lookup/host-runs.ts";
import { hostFolders } from "../../../src/worker/task-host.ts";
import { openNetworks } from "../../fixtures/network/machine-networks.ts";
import type { PostgresServer } from "../../postgres-server.ts";
import { CheckedClient } from "./checked-client.ts";

export interface ArtifactOfTest {
  content: string | Uint8Array;
  contentType?: string;
  contentEncoding?: "gzip" | "zstd";
}

interface Parts {
  folder: string;
  port: number;
  queue: PostgresQueue;
  host: ApiHost;
  driver: QueueDriver;
  client: CheckedClient;
  failures: unknown[];
  databaseUrl: string;
}

export class TaskService implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly queue: PostgresQueue;
  readonly host: ApiHost;
  readonly driver: QueueDriver;
  readonly client: CheckedClient;
  readonly databaseUrl: string;
  /** What was not told to clients. */
  readonly failures: readonly unknown[];
  readonly #scope: Scope;
  #count = 0;

  private constructor(parts: Parts, scope: Scope) {
    this.folder = parts.folder;
    this.port = parts.port;
    this.queue = parts.queue;
    this.host = parts.host;
    this.driver = parts.driver;
    this.client = parts.client;
    this.failures = parts.failures;
    this.databaseUrl = parts.databaseUrl;
    this.#scope = scope;
  }

  static async start(server: PostgresServer, images: object = {}): Promise<TaskService> {
    await using scope = new Scope();
    const folder = await mkdtemp("/tmp/bxapi-");
    scope.defer(() => rm(folder, { recursive: true }));
    const files = await HostArtifacts.open(join(folder, "artifacts"));
    const databaseUrl = await server.createDatabase();
    const connection = connectionOfUrl(databaseUrl);
    const queue = scope.use(await PostgresQueue.open({ connection, files }));
    const driver = scope.use(queue.openDriver({ queue: "default", workerId: "worker-1", leaseMs: 60_000 }));
    const host = await openHost(configOf(folder, images), queue, scope);
    const failures: unknown[] = [];
    const jobs = scope.use(new Jobs());
    const main = [
      ...healthRoutes({ health: () => [], unready: () => undefined }),
      ...taskRoutes(host, { tasks: queue, workers: queue.workers }),
      ...hostImageRoutes(host, jobs),
      ...schemaRoutes(),
    ];
    const described = { sockets: [], version: "1" };
    const routes = [...main, openApiRoute({ routes: main, ...described })];
    const onFailure = (error: unknown) => void failures.push(error);
    const app = createApp({ routes, authenticate: async (request) => userOf(request), onFailure });
    const service = scope.use(await HttpService.listen({ host: "127.0.0.1", port: 0 }, app));
    const port = service.port ?? 0;
    const client = new CheckedClient({ port, document: buildOpenApi({ routes, ...described }) });
    return new TaskService({ folder, port, queue, host, driver, client, failures, databaseUrl }, scope.move());
  }

  /** As somebody else than an administrator. */
  as(name: string, role: Role): CheckedClient {
    return this.client.with({ "x-user": `${name}:${role}` });
  }

  /** Submits a task, and claims it. */
  async claim(payload: Record<string, unknown> = { command: ["true"] }): Promise<Claim> {
    await this.queue.submit({ payload });
    for (;;) {
      const [claim] = await this.driver.claim(1, new AbortController().signal);
      if (claim !== undefined) return claim;
    }
  }

  async put(claim: Claim, name: string, { content, contentType = "text/plain", contentEncoding }: ArtifactOfTest) {
    const store = new DirectoryStore(join(this.folder, `staging-${this.#count++}`));
    const stored = await store.put("a-file", Readable.from([Buffer.from(content)]));
    const { sizeBytes, sha256 } = stored;
    const file = join(store.directory, "a-file");
    const packed = contentEncoding === undefined ? {} : { contentEncoding };
    const { signal } = new AbortController();
    await claim.artifacts.putFile({ name, file, sizeBytes, sha256, contentType, ...packed }, signal);
    return sha256;
  }

  /** A task that is over, with these artifacts; resolves with the address of its run. */
  async finished(
    artifacts: Readonly<Record<string, ArtifactOfTest>>,
    resolution: Resolution = { kind: "completed" },
  ): Promise<{ taskId: string; run: string }> {
    const claim = await this.claim();
    for (const [name, artifact] of Object.entries(artifacts)) await this.put(claim, name, artifact);
    await claim.resolve(resolution);
    const { taskId } = claim.task;
    return { taskId, run: `/api/v1/tasks/${taskId}/runs/0` };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

function configOf(folder: string, settings: object): Config {
  const images = { directory: join(folder, "images"), ...settings };
  const own = { stateDir: folder, runDir: join(folder, "run"), images };
  return resolveConfig(own, { env: {}, uid: 0, home: folder, host: { memoryMiB: 65_536, cpus: 8 } });
}

async function openHost(config: Config, queue: PostgresQueue, scope: Scope): Promise<ApiHost> {
  const images = scope.use(await ImageStore.open({ directory: config.images.directory, limits: { reserveBytes: 0 } }));
  return {
    config,
    snapshots: await openSnapshots(config, images),
    images,
    origin: new FleetArtifacts({ self: "worker-1", tasks: queue, workers: queue.workers }),
    runs: new HostRuns({ tasks: queue, runsFolder: hostFolders(config).runs }),
    networks: scope.use(await openNetworks(config.stateDir)),
    // Nothing is to be booted here.
    chooseAccelerator: () => Promise.reject(new WorkerError("no machine", { code: "no-accelerator", blame: "host" })),
  };
}

function userOf({ headers }: IncomingMessage): Principal {
  const given = headers["x-user"];
  if (typeof given !== "string") return HOST;
  const [name = "", role = ""] = given.split(":");
  return { name, role: role as Role, via: "token" };
}
