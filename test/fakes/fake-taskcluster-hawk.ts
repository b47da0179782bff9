/** Checks who asks, as Taskcluster does: Hawk, with temporary credentials and restricted scopes. */
import { createHmac, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface FakeCredentials {
  clientId: string;
  accessToken: string;
  certificate?: string;
}

interface Grant {
  readonly credentials: FakeCredentials;
  readonly scopes: readonly string[];
  readonly expires: Date;
  revoked: boolean;
}

export class AuthenticationError extends Error {}

/** More than Taskcluster tolerates between the clocks. */
const MAX_SKEW_MS = 15 * 60_000;

export class FakeHawk {
  readonly #grants: Grant[] = [];
  readonly #now: () => Date;
  readonly #anonymous: readonly string[];

  /** @param anonymous What the role `anonymous` has. */
  constructor(now: () => Date, anonymous: readonly string[] = []) {
    this.#now = now;
    this.#anonymous = anonymous;
  }

  issue(clientId: string, scopes: readonly string[], expires?: Date): FakeCredentials {
    const credentials: FakeCredentials = { clientId, accessToken: randomBytes(33).toString("base64url") };
    if (expires !== undefined) {
      const seed = randomBytes(33).toString("base64url");
      const signature = randomBytes(32).toString("base64");
      const times = { start: this.#now().getTime(), expiry: expires.getTime() };
      credentials.certificate = JSON.stringify({ version: 1, scopes, ...times, seed, signature });
    }
    this.#grants.push({ credentials, scopes, expires: expires ?? new Date(8.64e15), revoked: false });
    return credentials;
  }

  revoke(credentials: FakeCredentials): void {
    for (const grant of this.#grants) if (grant.credentials === credentials) grant.revoked = true;
  }

  /** The scopes a request may use. @throws {AuthenticationError} */
  authenticate(request: IncomingMessage): readonly string[] {
    const header = request.headers.authorization ?? "";
    if (!header.startsWith("Hawk ")) throw new AuthenticationError("no Hawk header");
    const fields = Object.fromEntries([...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
    const { id, ts = "", nonce = "", mac, ext = "", hash = "" } = fields as Record<string, string>;
    const extension = ext === "" ? {} : JSON.parse(Buffer.from(ext, "base64").toString("utf8"));
    const certificate = extension.certificate === undefined ? undefined : JSON.stringify(extension.certificate);
    const grant = this.#grants.find(
      ({ credentials }) => credentials.clientId === id && credentials.certificate === certificate,
    );
    if (grant === undefined)
      throw new AuthenticationError("ext.certificate.signature is not valid, or wrong client ID");
    const [host = "", port = "80"] = (request.headers.host ?? "").split(":");
    const lines = ["hawk.1.header", ts, nonce, request.method, request.url, host.toLowerCase(), port, hash, ext, ""];
    const expected = createHmac("sha256", grant.credentials.accessToken).update(lines.join("\n")).digest("base64");
    if (mac !== expected) throw new AuthenticationError("Bad mac");
    if (Math.abs(Number(ts) * 1_000 - Date.now()) > MAX_SKEW_MS) throw new AuthenticationError("Stale timestamp");
    if (grant.expires <= this.#now()) throw new AuthenticationError("ext.certificate.expiry < now");
    if (grant.revoked) throw new AuthenticationError("these credentials were replaced by newer ones");
    const authorized = extension.authorizedScopes as string[] | undefined;
    const excess = authorized?.find((scope) => !satisfies(grant.scopes, scope));
    if (excess !== undefined) throw new AuthenticationError(`ext.authorizedScopes oversteps your scopes: ${excess}`);
    // Whoever asks may what everybody may, also who asks with less than he has.
    return [...(authorized ?? grant.scopes), ...this.#anonymous];
  }
}

export function satisfies(scopes: readonly string[], required: string): boolean {
  return scopes.some((scope) => scope === required || (scope.endsWith("*") && required.startsWith(scope.slice(0, -1))));
}
