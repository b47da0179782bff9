/**
 * What one machine finds at http://169.254.169.254: the HTTP side of its {@link GuestSession}.
 *
 * Nothing here looks at addresses: whoever connects a listener to a machine has decided whose requests these are. The
 * guest is hostile, so bodies, rates and names are bounded here; headers and connections are bounded by the server.
 */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { pipeline } from "node:stream/promises";
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from "express";
import { TokenBucket } from "../base/token-bucket.ts";
import type { DataSource } from "./cloud-init/data-source.ts";
import { MAX_JSON_BYTES } from "./file-actions.ts";
import { parseGuestResult } from "./guest-result.ts";
import type { GuestSession } from "./guest-session.ts";
import { readBody, readJson } from "./request-body.ts";
import { ServiceError, toServiceError } from "./service-error.ts";

/** What a guest finds that has no agent yet. */
export interface FirstBootOptions {
  /** The file of the agent for a platform such as `linux-x64`; undefined if there is none. */
  agentFile?: ((platform: string) => string | undefined) | undefined;
  /** What cloud-init in the guest is told; default: nothing. */
  cloudInit?: DataSource | undefined;
}

export interface MetadataServiceOptions extends FirstBootOptions {
  /** How long a poll waits for an action; default 30 s, which guest tools count on. */
  pollMs?: number;
  /** Default 1,000 a second, 2,000 at once. */
  requestRate?: { perSecond: number; burst: number };
}

type Handler = (request: Request, response: Response) => void | Promise<void>;
type Method = "GET" | "POST" | "PUT";

const POLL_MS = 30_000;
const REQUEST_RATE = { perSecond: 1_000, burst: 2_000 };
const MAX_EXECUTE_WAIT_S = 30;
const MAX_LOG_OFFSET = 2 ** 50;
/** What no command of a task has to do with. */
const OF_AGENT = /^\/engine\/v1\/(?:execute|log|success|failed|poll|reply)\/?$/;
const STEP = /^[0-9]{1,6}$/;
const PLATFORM = /^[a-z0-9]{1,32}-[a-z0-9_]{1,32}$/;

export function createMetadataService(session: GuestSession, options: MetadataServiceOptions = {}): RequestListener {
  const app = createApp(options, options.requestRate);
  app.use((request, _response, next) => {
    noteContact(session, request);
    next();
  });
  route(app, "/engine/v1/ping", { GET: (_request, response) => void response.status(200).end() });
  route(app, "/engine/v1/execute", { GET: (request, response) => execute(session, request, response) });
  route(app, "/engine/v1/log", { POST: (request, response) => log(session, request, response) });
  route(app, "/engine/v1/success", { PUT: (request, response) => report(session, true, request, response) });
  route(app, "/engine/v1/failed", { PUT: (request, response) => report(session, false, request, response) });
  route(app, "/engine/v1/checkpoint/:name", { PUT: (request, response) => checkpoint(session, request, response) });
  const pollMs = options.pollMs ?? POLL_MS;
  route(app, "/engine/v1/poll", { GET: (request, response) => poll(session, pollMs, request, response) });
  route(app, "/engine/v1/reply", {
    GET: (request, response) => replyContent(session, request, response),
    POST: (request, response) => reply(session, request, response),
  });
  return refuseTheRest(app);
}

/**
 * What a machine finds that boots to be captured: all but a task.
 *
 * @param onAgent Told of guest tools that ask for one.
 */
export function createCaptureService(options: FirstBootOptions, onAgent: () => void): RequestListener {
  const app = createApp(options);
  app.use("/engine", (_request, response) => {
    response.status(503).end();
    onAgent();
  });
  return refuseTheRest(app);
}

/** Has what is there before an agent is, and in a bounded way. */
function createApp({ agentFile, cloudInit }: FirstBootOptions, requestRate = REQUEST_RATE): Express {
  const app = express();
  const rate = new TokenBucket(requestRate.perSecond, requestRate.burst);
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "simple");
  app.set("case sensitive routing", true);
  app.use((_request, _response, next) => {
    if (!rate.tryTake()) throw new ServiceError("TooManyRequests", "too many requests; wait a second");
    next();
  });
  route(app, "/engine/v1/agent/:platform", { GET: (request, response) => agent(agentFile, request, response) });
  app.use((request, response, next) => {
    if (!answerCloudInit(cloudInit, request, response)) next();
  });
  return app;
}

function refuseTheRest(app: Express): Express {
  app.use(() => {
    throw new ServiceError("NoSuchEndPoint", "there is no such end-point");
  });
  return app.use(answerError);
}

function route(app: Express, path: string, handlers: Partial<Record<Method, Handler>>): void {
  app.all(path, (request, response) => {
    const handler = Object.hasOwn(handlers, request.method) ? handlers[request.method as Method] : undefined;
    if (handler !== undefined) return handler(request, response);
    const allowed = Object.keys(handlers).join(", ");
    response.setHeader("Allow", allowed);
    throw new ServiceError("MethodNotAllowed", `this end-point only supports ${allowed}`);
  });
}

function answerCloudInit(source: DataSource | undefined, request: Request, response: Response): boolean {
  const { method, path, headers } = request;
  const answer = source?.answer({ method, path, headers });
  if (answer === undefined) return false;
  // Whatever body there is is not worth reading.
  if (!request.complete) response.setHeader("Connection", "close");
  response.status(answer.status).set({ "Content-Type": "text/plain; charset=utf-8", ...answer.headers });
  response.end(request.method === "HEAD" ? undefined : answer.body);
  return true;
}

/** Refuses what the agent says as long as it does not know that its machine has moved. Commands may ask at any time. */
function noteContact(session: GuestSession, { path, headers }: Request): void {
  if (session.isOfThisLife(headers)) session.noteContact(headers["user-agent"]);
  else if (OF_AGENT.test(path)) throw new ServiceError("AnotherLife", "this machine has moved; wait to be told");
}

/** The answer comes when the machine goes on and all of it is stored. */
async function checkpoint(session: GuestSession, request: Request, response: Response): Promise<void> {
  const gone = new AbortController();
  const leave = () => gone.abort(new ServiceError("ResourceConflict", "who asked for it has hung up"));
  const { socket } = request;
  response.once("close", leave);
  await readBody(request, 0);
  // Who waits for an answer could end its side before; a command that was killed is what does it. Many requests may be
  // on their way over one connection: the rate of all is what is limited.
  socket.setMaxListeners(0).once("end", leave);
  try {
    const answer = await session.checkpoints.take(String(request.params["name"]), gone.signal);
    if (!response.destroyed) response.json(answer);
  } finally {
    socket.off("end", leave);
  }
}

/** With `?wait=SECONDS` the question stays open until there is a task. */
async function execute(session: GuestSession, request: Request, response: Response): Promise<void> {
  const seconds = Number(request.query["wait"] ?? 0);
  const waitMs = seconds > 0 ? Math.min(seconds, MAX_EXECUTE_WAIT_S) * 1_000 : 0;
  const task = await session.task.next(waitMs);
  if (task === undefined) {
    response
      .status(204)
      .setHeader("Retry-After", waitMs > 0 ? "0" : "1")
      .end();
    return;
  }
  // Somebody who has hung up meanwhile will ask again.
  if (response.destroyed) return;
  response.json(session.task.handOut(() => session.log.settle()));
}

/** Of the command that a request is about, where the guest says it. */
function stepOf(request: Request): number | undefined {
  const text = request.query["step"];
  if (text === undefined) return undefined;
  const step = typeof text === "string" && STEP.test(text) ? Number(text) : 0;
  if (step === 0) throw new ServiceError("InvalidPayload", "step must be the number of a command");
  return step;
}

async function log(session: GuestSession, request: Request, response: Response): Promise<void> {
  const step = stepOf(request);
  // Of an agent that died; what comes now would be taken for the output of the next command.
  if (step !== undefined && !session.task.isAt(step)) {
    throw new ServiceError("ResourceConflict", "the task is at another command");
  }
  const header = request.headers["x-boxcar-log-offset"];
  const offset = header === undefined ? undefined : Number(header);
  if (offset !== undefined && !(Number.isInteger(offset) && offset >= 0 && offset <= MAX_LOG_OFFSET)) {
    throw new ServiceError("InvalidPayload", "X-Boxcar-Log-Offset must be a position in the log");
  }
  if (await session.log.receive(request, offset)) response.status(200).end();
}

async function report(session: GuestSession, success: boolean, request: Request, response: Response): Promise<void> {
  const step = stepOf(request);
  const result = parseGuestResult(success, await readJson(request, MAX_JSON_BYTES));
  session.task.report(result, step);
  response.status(200).end();
}

/**
 * An action counts as received when the guest asks for the next one on the same connection: what was handed to a kept
 * connection that then closes may never have arrived, and is delivered again.
 */
async function poll(session: GuestSession, pollMs: number, request: Request, response: Response): Promise<void> {
  const gone = new AbortController();
  const { socket } = request;
  const undeliver = () => {
    const id = unconfirmed.get(socket);
    if (id !== undefined && (response.shouldKeepAlive || !response.writableFinished)) session.actions.undeliver(id);
  };
  if (!unconfirmed.has(socket)) socket.once("close", undeliver);
  unconfirmed.set(socket, undefined);
  response.once("close", () => gone.abort());
  const { id, ...action } = await session.actions.poll(pollMs, gone.signal);
  if (typeof id === "string") unconfirmed.set(socket, id);
  if (socket.destroyed) undeliver();
  response.json({ id: id ?? "none", ...action });
}

/** The action a connection was given last, while it is not known to have arrived. */
const unconfirmed = new WeakMap<object, string | undefined>();

function idOf(request: Request): string {
  const id = request.query["id"];
  if (typeof id !== "string") throw new ServiceError("UnknownActionId", "the query string must have one id");
  return id;
}

async function reply(session: GuestSession, request: Request, response: Response): Promise<void> {
  await session.actions.reply(idOf(request), request);
  if (!response.destroyed) response.status(200).end();
}

async function replyContent(session: GuestSession, request: Request, response: Response): Promise<void> {
  const content = session.actions.content(idOf(request));
  response.status(200).setHeader("Content-Type", "application/octet-stream");
  await sendStream(content, response);
}

async function agent(agentFile: FirstBootOptions["agentFile"], request: Request, response: Response): Promise<void> {
  const platform = String(request.params["platform"]);
  const file = PLATFORM.test(platform) ? agentFile?.(platform) : undefined;
  if (file === undefined) throw new ServiceError("NoSuchEndPoint", "there is no agent for that platform");
  const { size } = await stat(file);
  response.status(200).setHeader("Content-Type", "application/octet-stream").setHeader("Content-Length", size);
  await sendStream(createReadStream(file), response);
}

/** A stream that fails cuts the answer off, so that nobody takes it for whole. */
async function sendStream(stream: NodeJS.ReadableStream, response: Response): Promise<void> {
  try {
    await pipeline(stream, response);
  } catch {
    response.destroy();
  }
}

const answerError: ErrorRequestHandler = (error: unknown, request, response, _next) => {
  const known = toServiceError(error);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // Whatever is left of the body is not worth reading.
  if (!request.complete) response.setHeader("Connection", "close");
  response.status(known.status).json({ code: known.code, message: known.message });
};
