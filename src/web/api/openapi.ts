/**
 * The OpenAPI document of the API, made from its routes. Pure.
 *
 * @see OpenAPI 3.1.1, whose schemas are JSON Schema 2020-12
 */
import { type JsonSchema, readSchema, SCHEMA_URN_PREFIX, type SchemaId } from "../../schema/schema-files.ts";
import type { Answer, BodySchema, Route } from "./route.ts";
import type { SocketRoute } from "./socket-route.ts";

export interface OpenApiOptions {
  routes: readonly Route[];
  sockets: readonly SocketRoute[];
  version: string;
}

type Json = { readonly [key: string]: unknown };

const TAGS: Readonly<Record<Route["tag"], string>> = {
  tasks: "Submit tasks, look at them, end them, run them again.",
  runs: "What one run of a task does and has left.",
  machines: "Machines that are there: screens, shells, how long they stay.",
  images: "Images in the store of a worker.",
  workers: "Workers, and what an operator wants of them.",
  queue: "What waits and what runs.",
  access: "Who asks, and what he may.",
  observation: "For those who watch.",
};

export function buildOpenApi({ routes, sockets, version }: OpenApiOptions): Json {
  const documents = new Set<SchemaId>(["api"]);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = plainPath(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, sockets, documents) };
  }
  for (const socket of sockets) paths[socket.path] = { get: socketOperation(socket), ...paths[socket.path] };
  return {
    openapi: "3.1.1",
    info: {
      title: "Boxcar",
      version,
      description: "The HTTP API of a Boxcar worker. Any worker of a fleet answers for all of them.",
      license: { name: "MIT", identifier: "MIT" },
    },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    servers: [{ url: "/" }],
    security: [{ token: [] }, { session: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "Made by `boxcar token create`." },
        session: {
          ...{ type: "apiKey", in: "cookie", name: "boxcar" },
          description: "Of a browser; what changes something needs the header `X-Boxcar-CSRF` too.",
        },
      },
      schemas: componentsOf(documents),
    },
  };
}

function plainPath(path: string): string {
  return path.replaceAll("{+", "{");
}

function operationOf(route: Route, sockets: readonly SocketRoute[], documents: Set<SchemaId>): Json {
  const socket = route.method === "GET" ? sockets.find(({ path }) => path === route.path) : undefined;
  const also = socket === undefined ? "" : ` The same address is a websocket: ${lowerFirst(socket.summary)}.`;
  const needs = route.permission === undefined ? "Anybody may." : neededBy(route.permission);
  const answers = Object.entries(route.answers).map(([status, answer]) => [status, answerOf(answer)]);
  return {
    operationId: route.operation,
    summary: route.summary,
    description: needs + also,
    tags: [route.tag],
    ...(route.permission === undefined ? { security: [] } : {}),
    parameters: [...pathParameters(route.path), ...queryParameters(route)],
    ...(route.body === undefined ? {} : { requestBody: bodyOf(route.body, documents) }),
    ...(route.stream === undefined ? {} : { requestBody: { required: true, content: { [route.stream]: {} } } }),
    responses: {
      ...Object.fromEntries(answers),
      default: answerOf({ description: "What went wrong.", schema: "error" }),
    },
  };
}

/** Of one that is not at the address of anything else. */
function socketOperation({ path, query, operation, summary, permission, protocols = [] }: SocketRoute): Json {
  const needs = permission === undefined ? "Who may is said by what it is given." : neededBy(permission);
  const speaks = protocols.length === 0 ? "" : ` Subprotocols: ${protocols.join(", ")}.`;
  return {
    ...{ operationId: operation, summary, description: `A websocket. ${needs}${speaks}`, tags: ["machines"] },
    ...(permission === undefined ? { security: [] } : {}),
    "x-websocket": true,
    parameters: [...pathParameters(path), ...queryParameters({ query })],
    responses: {
      101: { description: "The websocket is open." },
      default: answerOf({ description: "What went wrong.", schema: "error" }),
    },
  };
}

function neededBy(permission: string): string {
  return `Needs the permission \`${permission}\`.`;
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\+?)(\w+)\}/g)].map(([, several, name = ""]) => ({
    ...{ name, in: "path", required: true, schema: { type: "string" } },
    description: PATH_NAMES[name] ?? "Its name.",
    // OpenAPI has no word for it.
    ...(several === "+" ? { "x-several-segments": true } : {}),
  }));
}

const PATH_NAMES: Readonly<Record<string, string>> = {
  task: "Id of a task, or the beginning of only one.",
  run: "A number from 0, or `latest`.",
  worker: "Name of a worker.",
  image: "Name of an image, its digest, or the first 6 digits of that.",
  job: "Id of a job.",
  sha256: "SHA-256 digest of the archive of an image, in hexadecimal.",
  tag: "Name of an image.",
};

function queryParameters({ query }: Pick<Route, "query">): Json[] {
  return Object.entries(query).map(([name, { description, schema, repeated }]) => ({
    ...{ name, in: "query", required: false, description, schema },
    ...(repeated === true ? { style: "form", explode: true } : {}),
  }));
}

function bodyOf(body: BodySchema, documents: Set<SchemaId>): Json {
  if ("unchecked" in body) {
    const description = `Any JSON; it is told what keeps it from being a ${body.unchecked}.`;
    return { required: true, content: { "application/json": { schema: { description } } } };
  }
  const name = "api" in body ? body.api : body.document;
  if ("document" in body) documents.add(body.document);
  const isRequired = "document" in body || readSchema("api").$defs?.[body.api]?.["required"] !== undefined;
  return { required: isRequired, content: { "application/json": { schema: reference(name) } } };
}

function answerOf({ description, schema, contentType }: Answer): Json {
  const type = contentType ?? (schema === undefined ? undefined : "application/json");
  if (type === undefined) return { description };
  return { description, content: { [type]: schema === undefined ? {} : { schema: reference(schema) } } };
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** The definitions of the API under their names; of other documents, the whole, and what it refers to. */
function componentsOf(documents: Set<SchemaId>): Json {
  const components: Record<string, unknown> = {};
  // What is converted may refer to others, which are added while this goes on.
  for (const id of documents) {
    const { $id: _id, $schema: _schema, $defs = {}, ...root } = readSchema(id);
    if (id !== "api") components[id] = rewritten(root, id, documents);
    for (const [name, definition] of Object.entries($defs)) {
      components[componentName(id, name)] = rewritten(definition, id, documents);
    }
  }
  return components;
}

function componentName(id: SchemaId, definition: string): string {
  return id === "api" ? definition : `${id}.${definition}`;
}

function rewritten(node: unknown, owner: SchemaId, documents: Set<SchemaId>): unknown {
  if (Array.isArray(node)) return node.map((item) => rewritten(item, owner, documents));
  if (typeof node !== "object" || node === null) return node;
  const { $ref, ...rest } = node as JsonSchema;
  const entries = Object.entries(rest).map(([key, value]) => [key, rewritten(value, owner, documents)]);
  const plain = Object.fromEntries(entries) as Json;
  if (typeof $ref !== "string") return plain;
  const [urn = "", pointer = ""] = $ref.split("#");
  const id = urn === "" ? owner : (urn.slice(SCHEMA_URN_PREFIX.length) as SchemaId);
  documents.add(id);
  const name = pointer === "" ? id : componentName(id, pointer.replace("/$defs/", ""));
  return { ...plain, ...reference(name) };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
