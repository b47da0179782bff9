/**
 * Who may do what with a machine that stays: whose role says so, who submitted the task whose machine it goes on from, and
 * who has a link.
 */
import type { Principal } from "../../../access/principal.ts";
import { mayDo, type Role } from "../../../access/role.ts";
import type { Tickets } from "../../../access/tickets.ts";
import type { VmView } from "../../../hypervisor/hypervisor.ts";
import type { DisplayMode } from "../../../rfb/client-filter.ts";
import { requirePermission } from "../../api/permission.ts";
import { type AllowedUse, linkNotValid } from "../machine-access.ts";
import type { VmDesk } from "./vm-desk.ts";
import { nameOfVm } from "./vm-document.ts";
import type { VmUse } from "./vm-use.ts";

export interface VmAccessOptions {
  readonly desk: VmDesk;
  /** Who submitted a task; undefined where nobody knows, or there is none any more. */
  readonly submitterOf: (taskId: string) => Promise<string | undefined>;
  /** Roles of who may resume machines of tasks: others have nothing to do with those that somebody has resumed. */
  readonly resumeRoles: readonly Role[];
  /** Of these machines only. */
  readonly tickets: Tickets;
}

interface Wanted {
  readonly ref: string;
  readonly principal: Principal | undefined;
  readonly kind: "display" | "shell" | "console";
  readonly mode: DisplayMode;
  readonly ticket: string | undefined;
}

export interface AllowedVm extends AllowedUse<VmUse> {
  readonly view: VmView;
}

/** Tickets have a number of a run, which there is none of here. */
const NO_RUN = 0;

export class VmAccess {
  readonly #options: VmAccessOptions;

  constructor(options: VmAccessOptions) {
    this.#options = options;
  }

  /** @throws {ApiError} `unauthenticated`, `forbidden`, `link-not-valid`; {@link VmError} `vm-not-found` */
  async admit({ ref, principal, kind, mode, ticket }: Wanted): Promise<AllowedVm> {
    const { desk } = this.#options;
    if (ticket !== undefined) return await this.#byTicket(ref, kind, ticket);
    // Who has not logged in is not told what there is.
    requirePermission(principal, "read");
    const view = await desk.find(ref);
    if (mode === "control") await this.requireControl(principal, view);
    return { ...(await this.#used(view)), principal: principal as Principal, mode };
  }

  /** @throws {ApiError} `unauthenticated`, `forbidden` */
  async requireControl(principal: Principal | undefined, view: VmView): Promise<void> {
    if (principal !== undefined && mayDo(principal.role, "control")) return;
    if (await this.#isSubmitter(principal, view)) return;
    requirePermission(principal, "control");
  }

  /** Its disk goes with it. @throws {ApiError} `unauthenticated`, `forbidden` */
  async requireRemove(principal: Principal | undefined, view: VmView): Promise<void> {
    if (principal !== undefined && mayDo(principal.role, "administer")) return;
    // One made of a task's machine is a copy.
    if (view.record.from?.task !== undefined) await this.requireControl(principal, view);
    else requirePermission(principal, "administer");
  }

  issue(view: VmView, wanted: Pick<Wanted, "kind" | "mode"> & { principal: Principal }) {
    return this.#options.tickets.issue({ task: view.record.id, run: NO_RUN, ...wanted });
  }

  async #isSubmitter(principal: Principal | undefined, { record: { from } }: VmView): Promise<boolean> {
    if (principal === undefined || from?.task === undefined) return false;
    if (!this.#options.resumeRoles.includes(principal.role)) return false;
    return (await this.#options.submitterOf(from.task.taskId)) === principal.name;
  }

  async #used(view: VmView): Promise<Pick<AllowedVm, "view" | "machine" | "target">> {
    return { view, machine: await this.#options.desk.use(view), target: nameOfVm(view.record) };
  }

  /** @throws {ApiError} `link-not-valid` */
  async #byTicket(ref: string, kind: Wanted["kind"], ticket: string): Promise<AllowedVm> {
    const { desk, tickets } = this.#options;
    const view = await desk.find(ref).catch(() => undefined);
    // One that leads nowhere is used up, too.
    const request = tickets.consume(ticket, { task: view?.record.id ?? "", run: NO_RUN, kind });
    if (view === undefined || request === undefined) throw linkNotValid();
    return { ...(await this.#used(view)), principal: request.principal, mode: request.mode };
  }
}
