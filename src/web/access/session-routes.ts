/** Who asks; logging in with a token, and out. */
import type { IncomingMessage } from "node:http";
import type { Response } from "express";
import { OIDC_PATH } from "../../access/access.ts";
import type { Principal } from "../../access/principal.ts";
import { permissionsOf } from "../../access/role.ts";
import type { OpenedSession } from "../../access/sessions.ts";
import type { ApiLoginRequest, ApiSession } from "../../generated/api.ts";
import { ApiError } from "../api/api-error.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { type Authenticator, toApiError } from "./authenticate.ts";

export interface SessionRoutesOptions {
  authenticator: Authenticator;
  version: string;
  workerId: string;
  /** Where people reach the service, if it is known. */
  url: () => string | undefined;
}

const PATH = "/api/v1/session";
const ANSWER = { 200: { description: "Who asks, and what he may.", schema: "session" } };

export function sessionRoutes(options: SessionRoutesOptions): Route[] {
  return [showRoute(options), logInRoute(options), logOutRoute(options)];
}

function showRoute(options: SessionRoutesOptions): Route {
  return defineRoute()({
    ...{ method: "GET", path: PATH, operation: "getSession", tag: "access" },
    summary: "Who asks, and how one can log in",
    permission: undefined,
    answers: ANSWER,
    handle({ request }) {
      const { authenticator } = options;
      const session = authenticator.sessionOf(request);
      // The route table has a stand-in for nobody.
      const answer = describe(options, authenticator.principalOf(request));
      return session === undefined ? answer : { ...answer, csrf: session.csrf };
    },
  });
}

function logInRoute(options: SessionRoutesOptions): Route {
  const { authenticator } = options;
  return defineRoute<ApiLoginRequest>()({
    ...{ method: "POST", path: PATH, operation: "logIn", tag: "access" },
    summary: "Log in with a token: sets the cookie of a session",
    permission: undefined,
    body: { api: "loginRequest" },
    answers: ANSWER,
    // Who is in charge of logins records them.
    audited: false,
    async handle({ body, request, response }) {
      const session = await logIn(authenticator, body.token, request);
      setSession(authenticator, session, request, response);
      return { ...describe(options, session.principal), csrf: session.csrf };
    },
  });
}

async function logIn(authenticator: Authenticator, token: string, request: IncomingMessage): Promise<OpenedSession> {
  const { access } = authenticator;
  if (access === undefined) {
    throw new ApiError(409, "access-disabled", "nobody has to log in here: access.enabled is false");
  }
  try {
    return await access.logInByToken(token, authenticator.addressOf(request));
  } catch (error) {
    throw toApiError(error);
  }
}

function logOutRoute({ authenticator }: SessionRoutesOptions): Route {
  return defineRoute()({
    ...{ method: "DELETE", path: PATH, operation: "logOut", tag: "access" },
    summary: "Log out: ends the session of the cookie",
    permission: undefined,
    answers: { 204: { description: "There is no session any more." } },
    audited: false,
    async handle({ request, response }) {
      const value = authenticator.cookieOf(request, "session");
      const session = authenticator.sessionOf(request);
      if (value !== undefined && session !== undefined) {
        await authenticator.access?.logOut(value, session.principal, authenticator.addressOf(request));
      }
      response.append("Set-Cookie", authenticator.cookieFor(request, "session", "", 0));
    },
  });
}

export function setSession(
  authenticator: Authenticator,
  { value, lifetimeMs }: OpenedSession,
  request: IncomingMessage,
  response: Response,
): void {
  const cookie = authenticator.cookieFor(request, "session", value, lifetimeMs);
  response.append("Set-Cookie", cookie);
}

function describe(
  { authenticator, version, workerId, url }: SessionRoutesOptions,
  principal: Principal | undefined,
): ApiSession {
  const { access } = authenticator;
  const address = url();
  const oidc = access?.oidc;
  return {
    principal: principal === undefined ? null : { name: principal.name, role: principal.role, via: principal.via },
    permissions: principal === undefined ? [] : [...permissionsOf(principal.role)],
    accessEnabled: access !== undefined,
    methods: {
      token: access !== undefined,
      ...(oidc === undefined ? {} : { oidc: { label: oidc.label, path: OIDC_PATH } }),
    },
    ...{ version, workerId },
    ...(address === undefined ? {} : { url: address }),
  };
}
