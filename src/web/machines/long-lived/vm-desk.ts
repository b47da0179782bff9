/**
 * The machines that stay on the host of this worker, for who asks about them by way of the API.
 *
 * *Borrows* the hypervisor, which is opened when somebody first asks.
 */
import { buffer } from "node:stream/consumers";
import { codeOf } from "../../../base/errors.ts";
import { VmError } from "../../../hypervisor/errors.ts";
import type { Hypervisor, VmView } from "../../../hypervisor/hypervisor.ts";
import { isLive } from "../../../hypervisor/states.ts";
import { ApiError } from "../../api/api-error.ts";
import type { Photographed } from "../screen-camera.ts";
import { VmUse } from "./vm-use.ts";

/** What is asked of a hypervisor here. */
export type VmPort = Pick<
  Hypervisor,
  "list" | "inspect" | "start" | "stop" | "pause" | "resume" | "remove" | "open" | "watch"
>;

export type HypervisorSource = () => Promise<VmPort>;

interface Kept extends Photographed {
  readonly open: { viewers: number };
}

const PICTURE_MS = 10_000;
const FACTS_MS = 3_000;

export class VmDesk {
  readonly #hypervisor: HypervisorSource;
  /** Of machines that there are, by their ids: what is to be the same at each question. */
  readonly #kept = new Map<string, Kept>();

  constructor(hypervisor: HypervisorSource) {
    this.#hypervisor = hypervisor;
  }

  hypervisor(): Promise<VmPort> {
    return this.#hypervisor();
  }

  async list(): Promise<readonly VmView[]> {
    const views = await (await this.#hypervisor()).list();
    const ids = new Set(views.map(({ record }) => record.id));
    for (const [id, { open }] of this.#kept) if (!ids.has(id) && open.viewers === 0) this.#kept.delete(id);
    return views;
  }

  /** @param ref Id, name, or the beginning of an id. @throws {VmError} `vm-not-found`, `vm-ambiguous` */
  async find(ref: string): Promise<VmView> {
    return await (await this.#hypervisor()).inspect(ref);
  }

  /** Whether its agent answers; undefined: it does not run. */
  async hasShell({ record: { id, state } }: VmView): Promise<boolean | undefined> {
    if (!isLive(state)) return undefined;
    try {
      const live = await (await this.#hypervisor()).open(id);
      return (await live.inspect(AbortSignal.timeout(FACTS_MS))).agent !== null;
    } catch {
      // It has ended meanwhile, or its supervisor is busy with that.
      return false;
    }
  }

  /** For one who uses it. */
  async use({ record: { id } }: VmView): Promise<VmUse> {
    return new VmUse({ hypervisor: await this.#hypervisor(), id, open: this.#keep(id).open });
  }

  /** For pictures of its screen: the same as long as it is there. @throws {ApiError} `no-display` */
  photographed(view: VmView): Photographed {
    requireVmDisplay(view);
    return this.#keep(view.record.id);
  }

  #keep(id: string): Kept {
    const known = this.#kept.get(id);
    if (known !== undefined) return known;
    const kept: Kept = { open: { viewers: 0 }, screenshot: () => this.#screenshot(id) };
    this.#kept.set(id, kept);
    return kept;
  }

  async #screenshot(id: string): Promise<Buffer> {
    const live = await (await this.#hypervisor()).open(id);
    try {
      return await buffer(await live.screenshot(AbortSignal.timeout(PICTURE_MS)));
    } catch (cause) {
      if (codeOf(cause) !== undefined && codeOf(cause) !== "ABORT_ERR") throw cause;
      throw new VmError("vm-lost", "the machine shows no picture of its screen now", { blame: "host", cause });
    }
  }
}

/** @throws {ApiError} `no-display` */
export function requireVmDisplay({ record: { machine } }: VmView): void {
  if (machine.graphics === "none") throw new ApiError(404, "no-display", "this machine has no graphics, so no screen");
}
