/**
 * Short-lived links to the display or the shell of one run, each good for one use.
 *
 *     issued ──▶ consumed, or expired: forgotten
 *
 * In memory: a ticket is used at the worker that issued it, a moment later. What is kept is a hash, so that nothing that
 * prints this object shows a ticket that works.
 */
import { WorkerError } from "../base/errors.ts";
import type { Principal } from "./principal.ts";
import { hashOf, randomSecret } from "./secrets.ts";

export interface TicketRequest {
  /** Of a machine that stays, which has tickets of its own: its id, and 0. */
  readonly task: string;
  readonly run: number;
  readonly kind: "display" | "shell" | "console";
  /** What the display may be used for; a shell is always for control. */
  readonly mode: "view" | "control";
  /** Who made it, and is held responsible for its use. */
  readonly principal: Principal;
}

export interface IssuedTicket {
  readonly ticket: string;
  readonly expires: Date;
}

export interface TicketsOptions {
  /** Default 60 s. */
  lifetimeMs?: number;
  /** Most that are open at once; default 10 000. */
  maxOpen?: number;
  /** Most that are open at once of one principal; default 200. */
  maxOpenEach?: number;
  now?: () => Date;
}

interface Open extends TicketRequest {
  readonly expiresMs: number;
}

export class Tickets {
  /** In the order of their end, since all live as long. */
  readonly #open = new Map<string, Open>();
  readonly #lifetimeMs: number;
  readonly #maxOpen: number;
  readonly #maxOpenEach: number;
  readonly #now: () => Date;

  constructor({
    lifetimeMs = 60_000,
    maxOpen = 10_000,
    maxOpenEach = 200,
    now = () => new Date(),
  }: TicketsOptions = {}) {
    this.#lifetimeMs = lifetimeMs;
    this.#maxOpen = maxOpen;
    this.#maxOpenEach = maxOpenEach;
    this.#now = now;
  }

  /** @throws {WorkerError} `too-many-tickets` */
  issue(request: TicketRequest): IssuedTicket {
    this.#forgetExpired();
    const own = [...this.#open.values()].filter(({ principal }) => principal.name === request.principal.name).length;
    if (this.#open.size >= this.#maxOpen || own >= this.#maxOpenEach) throw tooMany();
    const ticket = randomSecret();
    const expiresMs = this.#now().getTime() + this.#lifetimeMs;
    this.#open.set(hashOf(ticket), { ...request, expiresMs });
    return { ticket, expires: new Date(expiresMs) };
  }

  /**
   * What it was issued for, once; with the principal who made it, now via the ticket. Undefined: it was never issued, is
   * used up, has expired, or is for something else; it is of no use afterwards in any case.
   */
  consume(ticket: string, use: Pick<TicketRequest, "task" | "run" | "kind">): TicketRequest | undefined {
    this.#forgetExpired();
    const hash = hashOf(ticket);
    const found = this.#open.get(hash);
    this.#open.delete(hash);
    if (found === undefined) return undefined;
    const { expiresMs: _expiresMs, ...request } = found;
    if (request.task !== use.task || request.run !== use.run || request.kind !== use.kind) return undefined;
    return { ...request, principal: { ...request.principal, via: "ticket" } };
  }

  #forgetExpired(): void {
    const nowMs = this.#now().getTime();
    for (const [hash, { expiresMs }] of this.#open) {
      if (expiresMs > nowMs) return;
      this.#open.delete(hash);
    }
  }
}

function tooMany(): WorkerError {
  const message = "too many links wait to be used; use one of them, or wait a minute";
  return new WorkerError(message, { code: "too-many-tickets", blame: "upstream" });
}
