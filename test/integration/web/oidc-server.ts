/**
 * A real OpenID Connect provider on loopback, where everybody logs in as he says, without a password.
 *
 * *Owns* its server.
 */

import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import Provider, { type Configuration } from "oidc-provider";
import { freePort } from "./access-service.ts";

type Claims = Readonly<Record<string, unknown>>;

export interface OidcServerOptions {
  redirectUri: string;
  /** Whether claims are in the token already, or are asked for; default false. */
  inToken?: boolean;
  port?: number;
}

export class OidcServer implements AsyncDisposable {
  readonly issuer: string;
  readonly #server: Server;
  /** By account. */
  readonly people: Map<string, Claims>;

  private constructor(issuer: string, server: Server, people: Map<string, Claims>) {
    this.issuer = issuer;
    this.#server = server;
    this.people = people;
  }

  static async start({ redirectUri, inToken = false, port }: OidcServerOptions): Promise<OidcServer> {
    const issuer = `http://127.0.0.1:${port ?? (await freePort())}`;
    const people = new Map<string, Claims>();
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const configuration: Configuration = {
      clients: [
        {
          ...{ client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret, redirect_uris: [redirectUri] },
          ...{ grant_types: ["authorization_code"], response_types: ["code"] },
        },
      ],
      claims: { openid: ["sub"], profile: ["name", "groups"], email: ["email", "email_verified"] },
      conformIdTokenClaims: !inToken,
      findAccount: (_context, sub) => {
        const claims = people.get(sub);
        return claims && { accountId: sub, claims: () => ({ sub, ...claims }) };
      },
      jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" } as never] },
      cookies: { keys: ["test"] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      pkce: { required: () => true },
      ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
    };
    const provider = new Provider(issuer, configuration);
    const handle = provider.callback();
    const server = createServer((request, response) => {
      const account = /\blogin-as=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
      if (!request.url?.startsWith("/interaction/")) return void handle(request, response);
      void answer(provider, request, response, account);
    });
    server.listen(Number(new URL(issuer).port), "127.0.0.1");
    await once(server, "listening");
    return new OidcServer(issuer, server, people);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

export const CLIENT = { clientId: "boxcar", clientSecret: "a secret of this test alone" };

type Handler = Parameters<Parameters<typeof createServer>[1] & object>;

/** Logs in at once, and agrees to everything; nobody, where it is not said who. */
async function answer(provider: Provider, ...[request, response, account]: [...Handler, string | undefined]) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (account === undefined) {
    const refused = { error: "access_denied", error_description: "you <b>did</b> not want to" };
    return await provider.interactionFinished(request, response, refused);
  }
  if (prompt.name === "login") {
    return await provider.interactionFinished(request, response, { login: { accountId: account } });
  }
  const found = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  const grant =
    found ?? new provider.Grant({ accountId: session?.accountId, clientId: String(params["client_id"]) } as never);
  grant.addOIDCScope(String(params["scope"]));
  return await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}
