/**
 * A Taskcluster deployment on a real socket: the queue, the object service and a store, as far as a worker sees them.
 *
 * It keeps to the facts of the API: Hawk with temporary credentials that change at each reclaim, scopes, long polls,
 * leases, deadlines, retries, 409. What goes wrong is ordered with {@link FakeTaskcluster.faults}.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { applyFault, FakeFaults, type Fault } from "./fake-taskcluster-faults.ts";
import { AuthenticationError, type FakeCredentials, FakeHawk, satisfies } from "./fake-taskcluster-hawk.ts";
import { type FakeArtifact, FakeStore } from "./fake-taskcluster-store.ts";
import { type FakeRun, type FakeTask, type FakeTaskDefinition, FakeTasks, statusOf } from "./fake-taskcluster-tasks.ts";

export interface FakeTaskclusterOptions {
  leaseMs?: number;
  /** Of an empty claimWork; 20 s in real life. */
  longPollMs?: number;
  /** Each reclaim makes the credentials before it useless; in real life they last until their lease ends. */
  onlyNewestCredentials?: boolean;
  /** How much the clock of the queue is ahead. */
  clockAheadMs?: number;
  /** What the worker may do besides claiming. */
  workerScopes?: readonly string[];
  /** What everybody may do. */
  anonymousScopes?: readonly string[];
}

export interface SeenRequest {
  readonly call: string;
  readonly url: string;
  readonly body: unknown;
  readonly headers: IncomingMessage["headers"];
  /** Of whom it came from. */
  readonly clientId: string | undefined;
}

interface Exchange {
  readonly call: string;
  readonly args: readonly string[];
  readonly body: Record<string, unknown>;
  readonly scopes: readonly string[];
  /** Settles when the client has gone. */
  readonly closed: Promise<unknown>;
}

class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const ROUTES: readonly (readonly [method: string, path: RegExp, call: string])[] = [
  ["POST", /^\/api\/queue\/v1\/claim-work\/([^/]+)$/, "claimWork"],
  ["POST", /^\/api\/queue\/v1\/task\/([^/]+)\/runs\/(\d+)\/reclaim$/, "reclaimTask"],
  ["POST", /^\/api\/queue\/v1\/task\/([^/]+)\/runs\/(\d+)\/completed$/, "reportCompleted"],
  ["POST", /^\/api\/queue\/v1\/task\/([^/]+)\/runs\/(\d+)\/failed$/, "reportFailed"],
  ["POST", /^\/api\/queue\/v1\/task\/([^/]+)\/runs\/(\d+)\/exception$/, "reportException"],
  ["POST", /^\/api\/queue\/v1\/task\/([^/]+)\/runs\/(\d+)\/artifacts\/(.+)$/, "createArtifact"],
  ["PUT", /^\/api\/queue\/v1\/task\/([^/]+)\/runs\/(\d+)\/artifacts\/(.+)$/, "finishArtifact"],
  ["GET", /^\/api\/queue\/v1\/task\/([^/]+)\/status$/, "status"],
  ["GET", /^\/api\/queue\/v1\/task\/([^/]+)\/runs\/(\d+)\/artifact-content\/(.+)$/, "artifact"],
  ["GET", /^\/api\/queue\/v1\/task\/([^/]+)\/artifact-content\/(.+)$/, "latestArtifact"],
  ["GET", /^\/api\/index\/v1\/task\/([^/]+)$/, "findTask"],
  ["PUT", /^\/api\/object\/v1\/start-download\/(.+)$/, "startDownload"],
  ["PUT", /^\/api\/object\/v1\/upload\/(.+)$/, "createUpload"],
  ["POST", /^\/api\/object\/v1\/finish-upload\/(.+)$/, "finishUpload"],
];

export class FakeTaskcluster implements AsyncDisposable {
  readonly faults = new FakeFaults();
  readonly store = new FakeStore();
  readonly tasks: FakeTasks;
  readonly requests: SeenRequest[] = [];
  /** By "<taskId>/<runId>/<name>". */
  readonly artifacts = new Map<string, FakeArtifact>();
  /** Index path → id of the task. */
  readonly index = new Map<string, string>();
  readonly workerCredentials: FakeCredentials;
  /** Every secret it has given to anybody. */
  readonly secrets = new Set<string>();
  readonly #options: Required<FakeTaskclusterOptions>;
  readonly #hawk: FakeHawk;
  readonly #server: Server;
  readonly #listeners = new Set<() => void>();
  readonly #credentials = new Map<FakeRun, FakeCredentials>();

  private constructor(options: FakeTaskclusterOptions) {
    this.#options = {
      leaseMs: 60_000,
      longPollMs: 300,
      onlyNewestCredentials: false,
      clockAheadMs: 0,
      workerScopes: ["queue:status:*"],
      anonymousScopes: ["queue:get-artifact:public/*", "index:find-task:*"],
      ...options,
    };
    this.#hawk = new FakeHawk(() => this.now(), this.#options.anonymousScopes);
    this.tasks = new FakeTasks(() => this.now());
    const claiming = ["queue:claim-work:proj/*", "queue:worker-id:*"];
    this.workerCredentials = this.#issue("worker", [...claiming, ...this.#options.workerScopes]);
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(options: FakeTaskclusterOptions = {}): Promise<FakeTaskcluster> {
    const fake = new FakeTaskcluster(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    fake.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return fake;
  }

  get rootUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  now(): Date {
    return new Date(Date.now() + this.#options.clockAheadMs);
  }

  add(definition: FakeTaskDefinition = {}): FakeTask {
    return this.tasks.add(definition);
  }

  setLease(leaseMs: number): void {
    this.#options.leaseMs = leaseMs;
  }

  seen(call: string): SeenRequest[] {
    return this.requests.filter((request) => request.call === call);
  }

  /** Resolves when `call` has been asked for `count` times. */
  async asked(call: string, count = 1): Promise<void> {
    while (this.seen(call).length < count) {
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  fail(call: string, fault: Fault, times = 1): void {
    this.faults.add(call, fault, times);
  }

  artifact(task: FakeTask, name: string, runId = 0): FakeArtifact | undefined {
    return this.artifacts.get(`${task.taskId}/${runId}/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tasks.stop();
    this.#server.closeAllConnections();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on("error", () => {});
    const url = new URL(request.url ?? "/", this.rootUrl);
    const isStore = url.pathname.startsWith("/store/");
    const route = ROUTES.find(([method, path]) => method === request.method && path.test(url.pathname));
    const call = isStore ? (request.method === "GET" ? "get" : "put") : (route?.[2] ?? "unknown");
    const fault = this.faults.next(call);
    const clientId = /id="([^"]*)"/.exec(request.headers.authorization ?? "")?.[1];
    const seen = { call, url: url.href, headers: request.headers, clientId };
    if (isStore) {
      this.#note({ ...seen, body: undefined });
      if (fault !== undefined && applyFault(fault, request, response)) return;
      if (call === "get") return this.store.get(request, response, url);
      const { status, body } = await this.store.put(request, url).catch(() => ({ status: 400, body: "" }));
      await this.#answer(fault, request, response, status, body, "application/xml");
      return;
    }
    const body = await jsonOf(request).catch(() => undefined);
    this.#note({ ...seen, body });
    if (fault !== undefined && applyFault(fault, request, response)) return;
    const closed = new Promise((resolve) => response.once("close", resolve));
    const args = (route?.[1].exec(url.pathname)?.slice(1) ?? []).map(decodeURIComponent);
    try {
      if (route === undefined) throw new ApiError(404, "ResourceNotFound", "no such method");
      const scopes = this.#hawk.authenticate(request);
      const result = await this.#handle({ call, args, body: body as Record<string, unknown>, scopes, closed });
      const text = result === undefined ? "" : JSON.stringify(result);
      await this.#answer(fault, request, response, result === undefined ? 204 : 200, text);
    } catch (error) {
      const [status, code] = statusFor(error);
      // Taskcluster repeats the request in its errors.
      const message = `${(error as Error).message}\n\n---\n\n* method:     ${call}\n* payload: ${JSON.stringify(body)}`;
      await this.#answer(fault, request, response, status, JSON.stringify({ code, message, requestInfo: {} }));
    }
  }

  async #answer(
    fault: Fault | undefined,
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    body: string,
    type = "application/json",
  ): Promise<void> {
    if (fault?.kind === "wait") await fault.until;
    if (fault?.kind === "lose-answer") return void request.socket.destroy();
    response.writeHead(status, body === "" ? {} : { "content-type": type }).end(body);
  }

  #note(request: SeenRequest): void {
    this.requests.push(request);
    for (const wake of this.#listeners) wake();
    this.#listeners.clear();
  }

  async #handle(exchange: Exchange): Promise<object | undefined> {
    switch (exchange.call) {
      case "claimWork":
        return await this.#claimWork(exchange);
      case "reclaimTask":
        return this.#reclaim(exchange);
      case "reportCompleted":
        return this.#report(exchange, "completed", "completed");
      case "reportFailed":
        return this.#report(exchange, "failed", "failed");
      case "reportException":
        return this.#report(exchange, "exception", String(exchange.body["reason"]));
      case "createArtifact":
        return this.#createArtifact(exchange);
      case "finishArtifact":
        return this.#finishArtifact(exchange);
      case "createUpload":
        return this.#createUpload(exchange);
      case "finishUpload":
        return this.#finishUpload(exchange);
      case "artifact":
        return this.#artifact(exchange, Number(exchange.args[1]), exchange.args[2] ?? "");
      case "latestArtifact":
        return this.#artifact(exchange, this.#task(exchange.args[0]).runs.length - 1, exchange.args[1] ?? "");
      case "findTask":
        return this.#findTask(exchange);
      case "startDownload":
        return this.#startDownload(exchange);
      default:
        require(exchange, `queue:status:${exchange.args[0]}`);
        return { status: statusOf(this.#task(exchange.args[0])) };
    }
  }

  async #claimWork(exchange: Exchange): Promise<object> {
    const { args, body, closed } = exchange;
    const [taskQueueId = ""] = args;
    const { workerGroup, workerId, tasks } = body as { workerGroup: string; workerId: string; tasks: number };
    const isValid =
      [workerGroup, workerId].every((id) => /^[A-Za-z0-9_-]{1,38}$/.test(id)) && tasks >= 1 && tasks <= 32;
    if (!isValid) throw new ApiError(400, "InputValidationError", "Schema Validation Failed!");
    require(exchange, `queue:claim-work:${taskQueueId}`);
    require(exchange, `queue:worker-id:${workerGroup}/${workerId}`);
    if (this.tasks.pending(taskQueueId).length === 0) {
      const end = Date.now() + this.#options.longPollMs;
      while (this.tasks.pending(taskQueueId).length === 0 && Date.now() < end) {
        await this.tasks.change(end - Date.now(), closed);
        if (await Promise.race([closed.then(() => true), Promise.resolve(false)])) break;
      }
    }
    const claimed = this.tasks.pending(taskQueueId).slice(0, tasks);
    return { tasks: claimed.map((task) => this.#claim(task, { workerGroup, workerId })) };
  }

  #claim(task: FakeTask, worker: { workerGroup: string; workerId: string }): object {
    const run = this.tasks.claim(task, worker, this.#options.leaseMs);
    const { payload, priority, created, deadline, expires, scopes, name, tags, retries, dependencies } = task;
    const metadata = { name, description: "", owner: "nobody@example.com", source: "https://example.com" };
    return {
      status: statusOf(task),
      runId: task.runs.length - 1,
      ...worker,
      takenUntil: run.takenUntil,
      task: { payload, priority, created, deadline, expires, scopes, metadata, tags, retries, dependencies },
      credentials: this.#issueForRun(task, run),
    };
  }

  #reclaim(exchange: Exchange): object {
    const { task, run, runId } = this.#run(exchange, "queue:reclaim-task");
    if (task.deadline <= this.now()) throw conflict("Task Can't be reclaimed past its deadline");
    this.#requireRunning(task, run);
    const takenUntil = this.tasks.extend(task, run, this.#options.leaseMs);
    const { workerGroup, workerId } = run;
    const credentials = this.#issueForRun(task, run);
    return { status: statusOf(task), runId, workerGroup, workerId, takenUntil, credentials };
  }

  #report(exchange: Exchange, state: "completed" | "failed" | "exception", reason: string): object {
    const { task, run, runId } = this.#run(exchange, "queue:resolve-task");
    const reportable =
      /^(completed|failed|worker-shutdown|malformed-payload|resource-unavailable|internal-error|superseded|intermittent-task)$/;
    if (!reportable.test(reason)) throw new ApiError(400, "InputValidationError", `reason ${reason} is not allowed`);
    const isLast = runId >= task.runs.length - (state === "exception" ? 2 : 1);
    if (!isLast || !this.tasks.resolve(task, run, state, reason)) {
      throw conflict(`Run ${runId} on task ${task.taskId} is resolved or not running.`);
    }
    return { status: statusOf(task) };
  }

  #createArtifact(exchange: Exchange): object {
    const { task, run, runId } = this.#run(exchange, "queue:create-artifact");
    const name = exchange.args[2] ?? "";
    const { storageType, contentType, expires: expiresText, ...details } = exchange.body as Record<string, string>;
    const expires = new Date(String(expiresText));
    if (!(expires <= task.expires)) {
      throw new ApiError(400, "InputError", "Artifact expires after the task expiration - this is not allowed");
    }
    const lateAllowed = run.state === "exception" && this.now().getTime() - (run.resolved?.getTime() ?? 0) < 1_500_000;
    if (run.state !== "running" && !lateAllowed) {
      throw conflict("Artifacts cannot be created for a task after it is resolved");
    }
    const key = `${task.taskId}/${runId}/${name}`;
    const kind = String(storageType);
    const known = this.artifacts.get(key);
    if (kind === "object") return this.#createObject(key, known, { contentType, expires });
    if (!/^(s3|reference|link|error)$/.test(kind)) throw new ApiError(400, "InputValidationError", "storageType");
    const artifact = {
      storageType: kind,
      contentType: contentType ?? "application/binary",
      expires,
      details,
      present: true,
    };
    if (known !== undefined && !isCompatible(known, artifact)) {
      throw conflict("Artifact already exists with different properties, and none of the allowed exceptions apply");
    }
    this.artifacts.set(key, artifact);
    if (kind !== "s3") return { storageType: kind };
    const putUrl = this.rootUrl + this.store.sign({ key, contentType: String(contentType) });
    this.secrets.add(String(new URL(putUrl).searchParams.get("X-Amz-Signature")));
    return { storageType: kind, contentType, expires: new Date(Date.now() + 2_700_000), putUrl };
  }

  /** Each request makes a new upload, and the object service refuses a second one of the same name. */
  #createObject(
    key: string,
    known: FakeArtifact | undefined,
    { contentType, expires }: { contentType: string | undefined; expires: Date },
  ): object {
    if (known !== undefined) throw new ApiError(500, "InternalServerError", "Internal Server Error");
    const uploadId = key.length.toString(36).padStart(22, "A");
    const [projectId, name] = ["proj", `t/${key}`];
    const details = { uploadId };
    this.artifacts.set(key, {
      storageType: "object",
      contentType: String(contentType),
      expires,
      details,
      present: false,
    });
    this.store.objects.set(name, { projectId, uploadId, expires: expires.toISOString(), finished: false, hashes: {} });
    const credentials = this.#issue("artifact-upload", [`object:upload:${projectId}:${name}`], expires);
    return { storageType: "object", name, projectId, uploadId, expires, credentials };
  }

  #finishArtifact(exchange: Exchange): undefined {
    const { task, runId } = this.#run(exchange, "queue:create-artifact");
    const key = `${task.taskId}/${runId}/${exchange.args[2]}`;
    const artifact = this.artifacts.get(key);
    if (artifact === undefined) throw new ApiError(404, "ResourceNotFound", "Artifact not found");
    if (artifact.storageType !== "object")
      throw new ApiError(400, "InputError", "Only object artifacts can be finished");
    if (artifact.present) return;
    const isReady = this.store.objects.get(`t/${key}`)?.finished === true;
    if (!isReady || artifact.details["uploadId"] !== exchange.body["uploadId"]) {
      throw new ApiError(400, "InputError", "Object storing artifact data does not exist");
    }
    artifact.present = true;
  }

  /** As `artifact-content`: links are followed, and each needs its scope. */
  #artifact(exchange: Exchange, runId: number, name: string): object {
    const [taskId = ""] = exchange.args;
    require(exchange, `queue:get-artifact:${name}`);
    const key = `${taskId}/${runId}/${name}`;
    const artifact = this.artifacts.get(key);
    if (artifact === undefined || !artifact.present || artifact.expires <= this.now()) {
      throw new ApiError(404, "ResourceNotFound", "Artifact not found");
    }
    const { storageType, details } = artifact;
    switch (storageType) {
      case "link":
        return this.#artifact(exchange, runId, String(details["artifact"]));
      case "reference":
        return { storageType, url: details["url"] };
      case "error":
        return { storageType, reason: details["reason"], message: details["message"] };
      case "object": {
        const object = `t/${key}`;
        const until = new Date(this.now().getTime() + 600_000);
        const credentials = this.#issue("artifact-download", [`object:download:${object}`], until);
        return { storageType, name: object, credentials };
      }
      default:
        return { storageType, url: this.rootUrl + this.store.signDownload(key) };
    }
  }

  #findTask(exchange: Exchange): object {
    const [namespace = ""] = exchange.args;
    require(exchange, `index:find-task:${namespace}`);
    const taskId = this.index.get(namespace);
    if (taskId === undefined) throw new ApiError(404, "ResourceNotFound", "Indexed task not found");
    return { namespace, taskId, rank: 0, data: {}, expires: new Date(this.now().getTime() + 86_400_000) };
  }

  #startDownload(exchange: Exchange): object {
    const [name = ""] = exchange.args;
    require(exchange, `object:download:${name}`);
    const object = this.store.objects.get(name);
    if (object?.finished !== true) throw new ApiError(404, "ResourceNotFound", "Object not found");
    const methods = exchange.body["acceptDownloadMethods"] as Record<string, unknown>;
    if (methods["getUrl"] !== true) throw new ApiError(406, "NoMatchingMethod", "Object does not support that method");
    const url = this.rootUrl + this.store.signDownload(name.slice(2));
    const { expires, hashes } = object;
    return { method: "getUrl", url, expires, hashes };
  }

  #createUpload(exchange: Exchange): object {
    const [name = ""] = exchange.args;
    const { projectId, uploadId, expires, proposedUploadMethods } = exchange.body;
    require(exchange, `object:upload:${projectId}:${name}`);
    const object = this.store.objects.get(name);
    const isSame = object?.uploadId === uploadId && object?.projectId === projectId && object?.expires === expires;
    if (!isSame || object?.finished === true) throw conflict("Object already exists");
    const method = (proposedUploadMethods as { putUrl?: { contentType: string; contentLength: number } }).putUrl;
    if (method === undefined) return { projectId, uploadId, expires, uploadMethod: {} };
    const url = this.rootUrl + this.store.sign({ key: name.slice(2), ...method });
    this.secrets.add(String(new URL(url).searchParams.get("X-Amz-Signature")));
    const headers = {
      "Content-Type": method.contentType,
      "Content-Length": String(method.contentLength),
      "Content-Encoding": "identity",
    };
    return { projectId, uploadId, expires, uploadMethod: { putUrl: { url, expires, headers } } };
  }

  #finishUpload(exchange: Exchange): object {
    const [name = ""] = exchange.args;
    const { projectId, uploadId, hashes } = exchange.body;
    require(exchange, `object:upload:${projectId}:${name}`);
    const object = this.store.objects.get(name);
    if (object === undefined) throw new ApiError(404, "ResourceNotFound", "Object not found");
    if (object.finished) {
      if (JSON.stringify(hashes) !== JSON.stringify(object.hashes))
        throw conflict("already finished with other hashes");
      return {};
    }
    if (object.uploadId !== uploadId) throw conflict("wrong uploadId");
    object.finished = true;
    object.hashes = hashes as Record<string, string>;
    return {};
  }

  #run(exchange: Exchange, scope: string) {
    const [taskId = "", runText] = exchange.args;
    const task = this.#task(taskId);
    const runId = Number(runText);
    const run = task.runs[runId];
    if (run === undefined) throw new ApiError(404, "ResourceNotFound", `Run ${runId} not found on task ${taskId}`);
    require(exchange, `${scope}:${taskId}/${runId}`);
    return { task, run, runId };
  }

  #task(taskId = ""): FakeTask {
    const task = this.tasks.all.get(taskId);
    if (task === undefined)
      throw new ApiError(404, "ResourceNotFound", `Task ${taskId} not found. Are you sure it exists?`);
    return task;
  }

  #requireRunning(task: FakeTask, run: FakeRun): void {
    if (run.state !== "running") throw conflict(`Run on task ${task.taskId} is resolved or not running.`);
  }

  #issueForRun(task: FakeTask, run: FakeRun): FakeCredentials {
    const runId = task.runs.indexOf(run);
    const until = run.takenUntil ?? this.now();
    const older = this.#credentials.get(run);
    if (older !== undefined && this.#options.onlyNewestCredentials) this.#hawk.revoke(older);
    const clientId = `task-client/${task.taskId}/${runId}/on/${run.workerGroup}/${run.workerId}/until/${until.getTime()}`;
    const own = ["reclaim-task", "resolve-task", "create-artifact"].map(
      (verb) => `queue:${verb}:${task.taskId}/${runId}`,
    );
    const credentials = this.#issue(clientId, [...own, ...task.scopes], until);
    this.#credentials.set(run, credentials);
    return credentials;
  }

  #issue(clientId: string, scopes: readonly string[], expires?: Date): FakeCredentials {
    const credentials = this.#hawk.issue(clientId, scopes, expires);
    this.secrets.add(credentials.accessToken);
    if (credentials.certificate !== undefined) {
      this.secrets.add((JSON.parse(credentials.certificate) as { signature: string }).signature);
    }
    return credentials;
  }
}

/** As Taskcluster decides whether an artifact may be created again. */
function isCompatible(old: FakeArtifact, fresh: FakeArtifact): boolean {
  if (fresh.storageType !== "link" && old.contentType !== fresh.contentType) return false;
  if (old.expires > fresh.expires) return false;
  if (old.storageType !== fresh.storageType) return old.storageType === "reference" && fresh.storageType === "link";
  return fresh.storageType === "reference" || JSON.stringify(old.details) === JSON.stringify(fresh.details);
}

function require({ scopes, call }: Exchange, scope: string): void {
  if (satisfies(scopes, scope)) return;
  throw new ApiError(403, "InsufficientScopes", `Client ID does not have sufficient scopes for ${call}: ${scope}`);
}

function conflict(message: string): ApiError {
  return new ApiError(409, "RequestConflict", message);
}

function statusFor(error: unknown): [status: number, code: string] {
  if (error instanceof ApiError) return [error.status, error.code];
  return error instanceof AuthenticationError ? [401, "AuthenticationFailed"] : [500, "InternalServerError"];
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString("utf8"));
}
