/**
 * A client of the HTTP API that holds it to its description: each answer, also each error, must be one that the OpenAPI
 * document has for the operation, of a type it names, and as its schema says.
 */
import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { buffer } from "node:stream/consumers";
import type { ValidateFunction } from "ajv";
import { expect } from "vitest";
import { createAjv } from "../../../src/schema/ajv.ts";

export interface CheckedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** Undefined where it is none. */
  readonly json: unknown;
  /** Undefined where there is none at this address. */
  readonly operation: string | undefined;
}

export interface CheckedClientOptions {
  port: number;
  /** An OpenAPI document; see buildOpenApi(). */
  document: object;
  /** Of each request. */
  headers?: IncomingHttpHeaders;
}

interface Described {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

interface Operation {
  readonly operationId: string;
  readonly pattern: RegExp;
  readonly method: string;
  readonly responses: Readonly<Record<string, Described>>;
  readonly "x-websocket"?: boolean;
}

interface PathParameter {
  readonly name: string;
  readonly in: string;
  readonly "x-several-segments"?: boolean;
}

type Document = {
  components: { schemas: Record<string, object> };
  paths: Record<string, Record<string, Operation & { parameters: PathParameter[] }>>;
};

const ID = "urn:test:openapi";

export class CheckedClient {
  /** Operations that were answered, with the statuses they were answered with. */
  readonly answered = new Map<string, Set<number>>();
  /** Without those that are websockets only. */
  readonly operations: readonly string[];
  readonly #options: CheckedClientOptions;
  readonly #operations: readonly Operation[];
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #ajv = createAjv();

  constructor(options: CheckedClientOptions) {
    this.#options = options;
    this.#operations = operationsOf(options.document as Document);
    this.operations = this.#operations.filter((each) => each["x-websocket"] !== true).map((each) => each.operationId);
    // Ajv knows schemas by other pointers, and nothing of the rest of the document.
    const { schemas } = (options.document as Document).components;
    this.#ajv.addSchema(rewritten({ $id: ID, $defs: schemas }));
  }

  /** The same, as somebody else. */
  with(headers: IncomingHttpHeaders): CheckedClient {
    const other = new CheckedClient({ ...this.#options, headers: { ...this.#options.headers, ...headers } });
    return Object.assign(other, { answered: this.answered });
  }

  get(path: string, headers: IncomingHttpHeaders = {}): Promise<CheckedAnswer> {
    return this.ask("GET", path, { headers });
  }

  /** @param body Sent as JSON. */
  post(path: string, body: unknown = {}, headers: IncomingHttpHeaders = {}): Promise<CheckedAnswer> {
    return this.ask("POST", path, { body, headers });
  }

  /** Follows no redirection. */
  async ask(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: IncomingHttpHeaders } = {},
  ): Promise<CheckedAnswer> {
    const content = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    const length = { "content-length": String(Buffer.byteLength(content)) };
    const type = method === "GET" || method === "HEAD" ? {} : { "content-type": "application/json", ...length };
    const asked = request({
      ...{ port: this.#options.port, host: "127.0.0.1", method, path, agent: false },
      headers: { ...type, ...this.#options.headers, ...headers },
    });
    asked.end(content);
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    const bytes = await buffer(response);
    const { statusCode: status = 0 } = response;
    const isJson = /^application\/(?:[\w.]+\+)?json\b/.test(response.headers["content-type"] ?? "");
    const isPacked = response.headers["content-encoding"] !== undefined;
    const json: unknown = isJson && !isPacked && bytes.length > 0 ? tryParse(bytes) : undefined;
    const operation = this.#find(method === "HEAD" ? "GET" : method, path.split("?")[0] ?? "");
    this.#check(
      `${method} ${path.slice(0, 200)}`,
      { status, headers: response.headers, bytes, json },
      operation,
      method,
    );
    return { status, headers: response.headers, bytes, json, operation: operation?.operationId };
  }

  #find(method: string, path: string): Operation | undefined {
    return this.#operations.find((each) => each.method === method && each.pattern.test(path));
  }

  #check(
    what: string,
    { status, headers, bytes, json }: Omit<CheckedAnswer, "operation">,
    operation: Operation | undefined,
    method: string,
  ): void {
    if (status >= 400) {
      const text = bytes.toString();
      expect(text, what).not.toMatch(/\n\s+at |node:internal/);
      expect(text, what).not.toContain(`${tmpdir()}/`);
      expect(text, what).not.toContain(process.cwd());
      const isOwn = operation?.responses[status] !== undefined;
      if (method !== "HEAD" && !isOwn) this.#validate(what, { $ref: "#/components/schemas/error" }, json);
    }
    if (operation === undefined) {
      // Which methods there are is no operation.
      if (method === "OPTIONS" && status === 204) return;
      expect(status, `${what} is not described`).toBeGreaterThanOrEqual(400);
      return;
    }
    const statuses = this.answered.get(operation.operationId) ?? new Set();
    this.answered.set(operation.operationId, statuses.add(status));
    if (status >= 400 && operation.responses[status] === undefined) return;
    const described = operation.responses[status];
    expect(described, `${what} answers ${status}, which is not described`).toBeDefined();
    const content = described?.content;
    if (content === undefined || method === "HEAD") {
      expect(bytes.length, `${what} has content that is not described`).toBe(0);
      return;
    }
    const type = headers["content-type"]?.split(";")[0] ?? "";
    const found = Object.entries(content).find(([pattern]) => matches(type, pattern));
    expect(found, `${what} is ${type}, which is not described`).toBeDefined();
    const schema = found?.[1].schema;
    if (schema !== undefined) this.#validate(what, schema, json);
  }

  #validate(what: string, schema: object, json: unknown): void {
    const key = JSON.stringify(schema);
    const validate = this.#validators.get(key) ?? this.#ajv.compile(rewritten(schema));
    this.#validators.set(key, validate);
    const isValid = validate(json);
    expect(
      isValid,
      `${what}: ${JSON.stringify(validate.errors?.map(({ instancePath, message }) => [instancePath, message]))}`,
    ).toBe(true);
  }
}

/** Those with the fewest names in their path first. */
function operationsOf({ paths }: Document): Operation[] {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...{ ...operation, method: method.toUpperCase() },
      pattern: patternOf(path, operation.parameters),
      names: path.split("{").length,
    })),
  );
  return all.sort((a, b) => a.names - b.names);
}

function patternOf(path: string, parameters: readonly PathParameter[]): RegExp {
  const several = new Set(parameters.filter((each) => each["x-several-segments"]).map(({ name }) => name));
  const source = path
    .replaceAll(".", "\\.")
    .replaceAll(/\{(\w+)\}/g, (_, name: string) => (several.has(name) ? ".+" : "[^/]+"));
  return new RegExp(`^${source}$`);
}

/** `image/*`, as in Accept. */
function matches(type: string, pattern: string): boolean {
  const [group, kind] = pattern.split("/");
  return pattern === type || pattern === "*/*" || (kind === "*" && type.startsWith(`${group}/`));
}

function rewritten(schema: object): object {
  const text = JSON.stringify(schema).replaceAll('"$ref":"#/components/schemas/', `"$ref":"${ID}#/$defs/`);
  return JSON.parse(text) as object;
}

function tryParse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
