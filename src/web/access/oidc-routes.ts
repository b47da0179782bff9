/**
 * Logging in with an identity provider, in the two steps of a browser: to it, and back.
 *
 * People see what goes wrong: it is answered as a page. It shows nothing but a sentence, as text.
 */
import type { Response } from "express";
import { OIDC_PATH } from "../../access/access.ts";
import { ATTEMPT_MS } from "../../access/login-attempt.ts";
import type { OidcLogin } from "../../access/oidc.ts";
import { ApiError } from "../api/api-error.ts";
import { text } from "../api/parameters.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { splitUrl } from "../runs/log-request.ts";
import { type Authenticator, toApiError } from "./authenticate.ts";
import { setSession } from "./session-routes.ts";

/** None, where there is no provider. */
export function oidcRoutes(authenticator: Authenticator): Route[] {
  const oidc = authenticator.access?.oidc;
  return oidc === undefined ? [] : [beginRoute(authenticator, oidc), callbackRoute(authenticator, oidc)];
}

function beginRoute(authenticator: Authenticator, oidc: OidcLogin): Route {
  return defineRoute()({
    ...{ method: "GET", path: OIDC_PATH, operation: "beginLogin", tag: "access" },
    summary: "Begin to log in with the identity provider",
    permission: undefined,
    query: { returnTo: text("Where the browser goes afterwards: a path of this service.", { maxLength: 1_000 }) },
    answers: { 302: { description: "To the provider." } },
    async handle({ query, request, response }) {
      try {
        const { url, sealed } = await oidc.begin(query.returnTo);
        response.append("Set-Cookie", authenticator.cookieFor(request, "login", sealed, ATTEMPT_MS));
        redirect(response, url.href);
      } catch (error) {
        showError(response, toApiError(error));
      }
    },
  });
}

function callbackRoute(authenticator: Authenticator, oidc: OidcLogin): Route {
  return defineRoute()({
    ...{ method: "GET", path: `${OIDC_PATH}/callback`, operation: "finishLogin", tag: "access" },
    summary: "Where the identity provider sends browsers back to",
    permission: undefined,
    query: {},
    takesAnyQuery: true,
    answers: { 302: { description: "To where the login began." } },
    async handle({ request, response }) {
      // It is good for one attempt, whatever becomes of it.
      response.append("Set-Cookie", authenticator.cookieFor(request, "login", "", 0));
      const { query } = splitUrl(request.originalUrl);
      const sealed = authenticator.cookieOf(request, "login");
      try {
        const address = authenticator.addressOf(request);
        const session = await authenticator.access?.logInByOidc(oidc, query.toString(), sealed, address);
        if (session === undefined) return;
        setSession(authenticator, session, request, response);
        redirect(response, session.returnTo);
      } catch (error) {
        showError(response, toApiError(error));
      }
    },
  });
}

function redirect(response: Response, to: string): void {
  response.status(302).set({ Location: to, "Cache-Control": "no-store" }).end();
}

/** @throws what is no answer to a person. */
function showError(response: Response, error: unknown): void {
  if (!(error instanceof ApiError)) throw error;
  response.status(error.status).set({ "Cache-Control": "no-store", ...error.headers });
  response.type("html").send(page(error.message));
}

function page(message: string): string {
  const shown = message.replaceAll(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>You could not be logged in</title>
<h1>You could not be logged in</h1>
<p>${shown}</p>
<p><a href="/">Back to Boxcar</a></p>
</html>
`;
}
