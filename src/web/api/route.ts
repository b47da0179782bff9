/**
 * One operation of the HTTP API, as data: express routes, permission checks, validation and the OpenAPI document are all
 * made from it.
 */
import type { Request, Response } from "express";
import type { Principal } from "../../access/principal.ts";
import type { Permission } from "../../access/role.ts";
import type { Parameters, ParsedQuery } from "./parameters.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/**
 * Bodies that have a type: definitions of schemas/api.schema.json that end in `Request`, or a whole schema; `unchecked`:
 * the answer says what is wrong with it.
 */
export type BodySchema =
  | { readonly api: string }
  | { readonly document: "task-definition" }
  | { readonly unchecked: "task-definition" };

export interface Answer {
  readonly description: string;
  /** A definition of schemas/api.schema.json; undefined: the content is no JSON, or there is none. */
  readonly schema?: string;
  /** Default: JSON where there is a schema. */
  readonly contentType?: string;
}

/** Names in braces in a path; `{+name}` stands for several segments. */
type NamesOf<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? (Name extends `+${infer Plain}` ? Plain : Name) | NamesOf<Rest>
  : never;

export interface Call<P extends string = string, Q extends Parameters = Parameters, B = unknown> {
  readonly principal: Principal;
  readonly params: Readonly<Record<NamesOf<P>, string>>;
  readonly query: ParsedQuery<Q>;
  readonly body: B;
  readonly request: Request;
  readonly response: Response;
  /** Fires when the client has hung up. */
  readonly signal: AbortSignal;
}

export interface RouteOptions<P extends string, Q extends Parameters, B> {
  readonly method: Method;
  /** From the root, with names in braces. */
  readonly path: P;
  /** Unique, in camel case: the operation of the OpenAPI document, and of metrics and the audit log. */
  readonly operation: string;
  readonly summary: string;
  readonly tag: "tasks" | "runs" | "machines" | "images" | "workers" | "queue" | "access" | "observation";
  /** Undefined: anybody may, without a login. Less than what an answer needs may be checked here, the rest by it. */
  readonly permission: Permission | undefined;
  readonly query?: Q;
  /** Others have made the query, and may say what they like; default false: what nobody asked about is a mistake. */
  readonly takesAnyQuery?: boolean;
  readonly body?: BodySchema;
  /** Media type of a body that is no document: {@link handle} reads it from the request. Only of `PUT`. */
  readonly stream?: string;
  /** By status; the first one is what {@link handle} answers with. Errors are the same everywhere. */
  readonly answers: Readonly<Record<number, Answer>>;
  /**
   * Which worker answers: the one that has the run `{task}`, `{run}`, or its files; the one that has, or had, that run
   * and all else that is left of it; or the one of `{worker}`. Default: this one.
   */
  readonly answeredBy?: "run" | "runner" | "worker";
  /** What is kept of it beside the operation; default: only what changes something is kept. */
  readonly audited?: boolean;
  /** Resolves with the JSON to answer; undefined: it has answered itself. */
  readonly handle: (call: Call<P, Q, B>) => unknown;
}

/** Any of them; made by {@link defineRoute}. */
export interface Route extends Omit<RouteOptions<string, Parameters, unknown>, "query" | "handle"> {
  readonly query: Parameters;
  readonly handle: (call: Call) => unknown;
}

/** @typeParam B What the body is parsed to; it has to be said where there is one. */
export function defineRoute<B = undefined>() {
  return <P extends string, const Q extends Parameters = Record<never, never>>(
    options: RouteOptions<P, Q, B>,
  ): Route => ({ ...options, query: options.query ?? {}, handle: options.handle as (call: Call) => unknown });
}

/** What changes something is kept in the audit log. */
export function isAudited({ method, audited }: Route): boolean {
  return audited ?? method !== "GET";
}
