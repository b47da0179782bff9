/**
 * Logging in with an OpenID Connect provider: authorization code, with PKCE, state and nonce.
 *
 *     begin ──▶ the browser is at the provider ──▶ finish: who it is, and his role
 *
 * What the provider says of itself is asked for when it is needed first, and kept once it is known.
 *
 * @see OpenID Connect Core 1.0, RFC 9700
 */
import * as client from "openid-client";
import { messageOf } from "../base/errors.ts";
import { SingleFlight } from "../base/single-flight.ts";
import type { OidcSettings } from "../config/access.ts";
import { AccessError } from "./access-error.ts";
import { type LoginAttempt, seal, sealingKey, tryUnseal } from "./login-attempt.ts";
import { type Claims, claimAt, nameOfClaims, roleOfClaims } from "./oidc-claims.ts";
import { parseReturnPath } from "./return-path.ts";
import type { Role } from "./role.ts";

export interface OidcOptions {
  settings: OidcSettings;
  /** Where the provider sends people back to. */
  redirectUri: string;
  now?: () => Date;
}

export interface OidcPerson {
  readonly name: string;
  readonly role: Role;
  readonly returnTo: string;
}

const TIMEOUT_SECONDS = 10;

export class OidcLogin {
  readonly label: string;
  readonly #settings: OidcSettings;
  readonly #issuer: URL;
  readonly #redirectUri: string;
  readonly #key: Uint8Array;
  readonly #now: () => Date;
  readonly #discovery = new SingleFlight<client.Configuration>();
  #provider: client.Configuration | undefined;

  /** @throws {@link InvalidInputError} The client's secret cannot be read. */
  constructor({ settings, redirectUri, now = () => new Date() }: OidcOptions) {
    this.label = settings.label;
    this.#settings = settings;
    this.#issuer = new URL(settings.issuer);
    this.#redirectUri = redirectUri;
    this.#key = sealingKey(settings.clientSecret.reveal());
    this.#now = now;
  }

  /**
   * @returns Where the browser goes, and what it has to keep until it is back.
   * @throws {AccessError} `bad-return`, `oidc-unreachable`
   */
  async begin(returnTo: string | undefined): Promise<{ url: URL; sealed: string }> {
    const attempt: LoginAttempt = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      codeVerifier: client.randomPKCECodeVerifier(),
      returnTo: parseReturnPath(returnTo),
    };
    const url = client.buildAuthorizationUrl(await this.#discover(), {
      redirect_uri: this.#redirectUri,
      scope: this.#settings.scopes.join(" "),
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(attempt.codeVerifier),
      code_challenge_method: "S256",
    });
    return { url, sealed: await seal(attempt, this.#key, this.#now()) };
  }

  /**
   * @param query What the provider has sent the browser back with.
   * @param sealed What the browser has kept.
   * @throws {AccessError} `oidc-refused`, `oidc-no-role`, `oidc-unreachable`
   */
  async finish(query: string, sealed: string | undefined): Promise<OidcPerson> {
    const attempt = sealed === undefined ? undefined : await tryUnseal(sealed, this.#key, this.#now());
    if (attempt === undefined) {
      throw new AccessError("oidc-refused", "this login was not begun in this browser, or too long ago; begin again");
    }
    const provider = await this.#discover();
    const claims = await this.#exchange(provider, new URL(`?${query}`, this.#redirectUri), attempt);
    const name = nameOfClaims(claims, this.#settings, this.#issuer);
    if (name === undefined) {
      const claim = this.#settings.nameClaim ?? "sub";
      throw new AccessError("oidc-refused", `${this.label} does not say who you are: the claim ${claim} is missing`);
    }
    const role = roleOfClaims(claims, this.#settings);
    if (role === undefined) {
      const message = `${name} is known to ${this.label}, but has no role here; ask who runs this service for one`;
      throw new AccessError("oidc-no-role", message);
    }
    return { name, role, returnTo: attempt.returnTo };
  }

  async #exchange(provider: client.Configuration, url: URL, attempt: LoginAttempt): Promise<Claims> {
    try {
      const tokens = await client.authorizationCodeGrant(provider, url, {
        expectedState: attempt.state,
        expectedNonce: attempt.nonce,
        pkceCodeVerifier: attempt.codeVerifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims() ?? { sub: "" };
      if (!this.#needsMore(claims, provider)) return claims;
      return { ...(await client.fetchUserInfo(provider, tokens.access_token, claims.sub)), ...claims };
    } catch (error) {
      throw this.#toAccessError(error);
    }
  }

  /** Some providers tell a part of it only if they are asked once more. */
  #needsMore(claims: Claims, provider: client.Configuration): boolean {
    const { rolesClaim, nameClaim = "email" } = this.#settings;
    const isMissing = [rolesClaim, nameClaim].some((claim) => claimAt(claims, claim) === undefined);
    return isMissing && provider.serverMetadata().userinfo_endpoint !== undefined;
  }

  async #discover(): Promise<client.Configuration> {
    this.#provider ??= await this.#discovery.run("provider", async () => {
      const { clientId, clientSecret } = this.#settings;
      const options = { timeout: TIMEOUT_SECONDS, execute: [client.enableNonRepudiationChecks] };
      // The configuration allows that on this host alone.
      if (this.#issuer.protocol === "http:") options.execute.push(client.allowInsecureRequests);
      try {
        return await client.discovery(this.#issuer, clientId, clientSecret.reveal(), undefined, options);
      } catch (error) {
        throw unreachable(this.label, error);
      }
    });
    return this.#provider;
  }

  #toAccessError(error: unknown): AccessError {
    if (error instanceof client.AuthorizationResponseError) {
      const message = `${this.label} refused: ${plain(error.error_description ?? error.error)}`;
      return new AccessError("oidc-refused", message, { cause: error });
    }
    if (error instanceof client.ResponseBodyError) {
      const message = `${this.label} does not confirm this login (${plain(error.error)}); begin again`;
      return new AccessError("oidc-refused", message, { cause: error });
    }
    if (error instanceof client.ClientError && !isOfNetwork(error)) {
      const message = `the answer of ${this.label} does not belong to this login; begin again`;
      return new AccessError("oidc-refused", message, { cause: error });
    }
    return unreachable(this.label, error);
  }
}

function isOfNetwork({ code }: client.ClientError): boolean {
  return code === "OAUTH_TIMEOUT" || code === "OAUTH_ABORT" || code === "OAUTH_RESPONSE_IS_NOT_CONFORM";
}

function unreachable(label: string, cause: unknown): AccessError {
  const message = `${label} cannot be reached: ${messageOf(cause)}; try again later, or log in with a token`;
  return new AccessError("oidc-unreachable", message, { cause });
}

/** What somebody else has written. */
function plain(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 200);
}
