/**
 * Who may do what with a machine: whose role says so, who submitted its task, if that is interactive, and who has a link.
 */
import type { Principal } from "../../access/principal.ts";
import { mayDo } from "../../access/role.ts";
import type { Tickets } from "../../access/tickets.ts";
import type { LiveMachine } from "../../feature/interactive/live-machine.ts";
import type { DisplayMode } from "../../rfb/client-filter.ts";
import { ApiError } from "../api/api-error.ts";
import { requirePermission } from "../api/permission.ts";
import { findMachine, type MachineLookup, nameOfMachine } from "./machine-lookup.ts";

export interface MachineAccessOptions {
  lookup: MachineLookup;
  /** Who submitted a task, by its whole id; undefined where nobody knows. */
  submitterOf: (taskId: string) => Promise<string | undefined>;
  tickets: Tickets;
}

/** What somebody wants to do with a machine. */
export type MachineUse = "display" | "shell" | "keep";

export interface AllowedUse<M = LiveMachine> {
  readonly machine: M;
  /** What it is called in the audit log. */
  readonly target: string;
  /** Who is held responsible. */
  readonly principal: Principal;
  readonly mode: DisplayMode;
}

interface Wanted {
  readonly params: Readonly<Record<string, string>>;
  readonly principal: Principal | undefined;
  readonly kind: "display" | "shell";
  readonly mode: DisplayMode;
  readonly ticket: string | undefined;
}

export class MachineAccess {
  readonly #options: MachineAccessOptions;

  constructor(options: MachineAccessOptions) {
    this.#options = options;
  }

  /** @throws {ApiError} `no-machine` */
  async find({ task = "", run = "" }: Readonly<Record<string, string>>): Promise<LiveMachine> {
    return await findMachine(this.#options.lookup, { task, run });
  }

  /** @throws {ApiError} `no-machine`, `unauthenticated`, `forbidden`, `link-not-valid` */
  async admit({ params, principal, kind, mode, ticket }: Wanted): Promise<AllowedUse> {
    if (ticket !== undefined) return await this.#byTicket(params, kind, ticket);
    // Who has not logged in is not told what there is.
    requirePermission(principal, "read");
    const machine = await this.find(params);
    if (mode === "control") await this.requireControl(principal, machine, kind);
    return { machine, target: nameOfMachine(machine), principal: principal as Principal, mode };
  }

  /** @throws {ApiError} `unauthenticated`, `forbidden` */
  async requireControl(principal: Principal | undefined, machine: LiveMachine, use: MachineUse): Promise<void> {
    if (principal !== undefined && mayDo(principal.role, "control")) return;
    const { interactive, taskId } = machine;
    const isOffered = interactive !== undefined && (use === "keep" || interactive[use]);
    if (isOffered && principal !== undefined && (await this.#options.submitterOf(taskId)) === principal.name) return;
    requirePermission(principal, "control");
  }

  /** @throws {ApiError} `link-not-valid` */
  async #byTicket(params: Wanted["params"], kind: Wanted["kind"], ticket: string): Promise<AllowedUse> {
    const machine = await this.find(params).catch(() => undefined);
    // One that leads nowhere is used up, too.
    const { taskId: task, runId: run } = machine ?? { taskId: "", runId: -1 };
    const request = this.#options.tickets.consume(ticket, { task, run, kind });
    if (machine !== undefined && request !== undefined) {
      return { machine, target: nameOfMachine(machine), principal: request.principal, mode: request.mode };
    }
    throw linkNotValid();
  }
}

export function linkNotValid(): ApiError {
  const message =
    "this link is good for nothing any more: it was used, is too old, or its machine is gone; ask for another";
  return new ApiError(403, "link-not-valid", message);
}
