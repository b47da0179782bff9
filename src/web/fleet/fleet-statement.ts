/**
 * What one worker tells another about a request that it passes on: who asks. Signed with the key of the fleet.
 *
 * Trust boundary. A statement is for one worker, one method and one address, for half a minute, and once: who has seen
 * it can do nothing with it. The other worker decides by the role what may be done, as with any client.
 */
import type { IncomingMessage } from "node:http";
import { errors, jwtVerify, SignJWT } from "jose";
import type { Principal } from "../../access/principal.ts";
import { tryParseRole } from "../../access/role.ts";
import { ApiError } from "../api/api-error.ts";
import { FLEET_HEADER } from "./fleet-headers.ts";

const ALGORITHM = "HS256";
const LIFETIME_S = 30;
/** Clocks of hosts differ. */
const TOLERANCE_S = 15;
const MAX_STATEMENT = 4_096;
/** More requests in a statement's lifetime than any worker has. */
const MAX_USED = 50_000;

export interface StatementOptions {
  readonly key: Uint8Array;
  readonly from: string;
  readonly to: string;
  /** Undefined: nobody has logged in; the other worker may have made the ticket that the client shows. */
  readonly principal: Principal | undefined;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Of the client. */
  readonly address?: string | undefined;
  readonly now?: Date;
}

/** Of a request that another worker has passed on. */
export interface PassedRequest {
  /** Via `worker`; undefined: nobody has logged in. */
  readonly principal: Principal | undefined;
  /** How the other worker knows who it is. */
  readonly knownVia: string | undefined;
  /** Id of the other worker. */
  readonly from: string;
  /** Of the client, as the other worker sees it. */
  readonly address: string | undefined;
}

export async function signStatement(options: StatementOptions): Promise<string> {
  const { key, from, to, principal, method, path, address, now = new Date() } = options;
  const who = principal === undefined ? {} : { sub: principal.name, role: principal.role, via: principal.via };
  const seconds = Math.floor(now.getTime() / 1_000);
  return await new SignJWT({ ...who, htm: method, htu: path, ...(address === undefined ? {} : { address }) })
    .setProtectedHeader({ alg: ALGORITHM })
    .setIssuer(from)
    .setAudience(to)
    .setJti(crypto.randomUUID())
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + LIFETIME_S)
    .sign(key);
}

export interface FleetVerifierOptions {
  readonly key: () => Promise<Uint8Array>;
  /** Of this worker. */
  readonly workerId: string;
  readonly now?: () => Date;
}

/** Remembers the statements that were used, for as long as they would be good. */
export class FleetVerifier {
  readonly #options: FleetVerifierOptions;
  /** Until when, in the order of their use. */
  readonly #used = new Map<string, number>();

  constructor(options: FleetVerifierOptions) {
    this.#options = options;
  }

  /**
   * Undefined: no worker has passed it on.
   *
   * @throws {ApiError} `fleet-statement-refused`; `wrong-worker`: it was meant for another.
   */
  async verifyFleetRequest(request: IncomingMessage): Promise<PassedRequest | undefined> {
    const statement = request.headers[FLEET_HEADER];
    if (statement === undefined) return undefined;
    if (typeof statement !== "string" || statement.length > MAX_STATEMENT) throw refused("it is too long");
    const now = this.#options.now?.() ?? new Date();
    const claims = await this.#read(statement, now);
    const { sub, iss = "", jti = "", htm, htu, via, address } = claims;
    const role = typeof claims["role"] === "string" ? tryParseRole(claims["role"]) : undefined;
    if (sub !== undefined && role === undefined) throw refused("it says not what the client may");
    if (htm !== request.method || htu !== addressOf(request)) throw refused("it is about another request");
    this.#use(jti, now.getTime());
    return {
      principal: sub === undefined || role === undefined ? undefined : { name: sub, role, via: "worker" },
      knownVia: typeof via === "string" ? via : undefined,
      from: iss,
      address: typeof address === "string" ? address : undefined,
    };
  }

  async #read(statement: string, currentDate: Date) {
    const { workerId: audience, key } = this.#options;
    const required = ["iss", "aud", "jti", "exp", "iat"];
    const options = { algorithms: [ALGORITHM], audience, requiredClaims: required, clockTolerance: TOLERANCE_S };
    const secret = await key();
    try {
      const { payload } = await jwtVerify(statement, secret, { ...options, currentDate, maxTokenAge: LIFETIME_S });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === "aud") throw wrongWorker(audience);
      if (error instanceof errors.JWTExpired) throw refused("it has expired, or the clocks of the hosts differ");
      throw refused("it was not made by a worker of this fleet");
    }
  }

  #use(id: string, nowMs: number): void {
    for (const [old, untilMs] of this.#used) {
      if (untilMs > nowMs && this.#used.size < MAX_USED) break;
      this.#used.delete(old);
    }
    if (this.#used.has(id)) throw refused("it was used before");
    this.#used.set(id, nowMs + (LIFETIME_S + 2 * TOLERANCE_S) * 1_000);
  }
}

/** As the client has it, wherever a router is. */
export function addressOf(request: IncomingMessage & { originalUrl?: string }): string {
  return request.originalUrl ?? request.url ?? "/";
}

function refused(why: string): ApiError {
  return new ApiError(401, "fleet-statement-refused", `the statement of another worker is refused: ${why}`);
}

function wrongWorker(workerId: string): ApiError {
  const message = `the request is for another worker than ${workerId}, which answers at this address; set worker.http.fleetUrl of the other to an address of its own`;
  return new ApiError(421, "wrong-worker", message);
}
