/**
 * Tells of changes of machines that stay, while somebody looks at them.
 *
 *   resting ──somebody looks──▶ watching ──nobody has looked for a while──▶ resting
 *
 * *Owns* the watch.
 */
import type { Hypervisor, VmEvent } from "../../../hypervisor/hypervisor.ts";

export interface VmWatchOptions {
  readonly hypervisor: () => Promise<Pick<Hypervisor, "watch">>;
  readonly onChange: (event: VmEvent & { readonly event: "made" | "changed" | "removed" }) => void;
  /** After the last look; default 30 s. Who still looks asks again before that. */
  readonly restMs?: number;
}

const REST_MS = 30_000;

export class VmWatch implements AsyncDisposable {
  readonly #options: VmWatchOptions;
  #stop: AbortController | undefined;
  #watching: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(options: VmWatchOptions) {
    this.#options = options;
  }

  /** Somebody looks. */
  look(): void {
    if (this.#isDisposed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stop?.abort(), this.#options.restMs ?? REST_MS).unref();
    if (this.#stop !== undefined) return;
    const stop = new AbortController();
    this.#stop = stop;
    this.#watching = this.#watch(stop.signal).finally(() => {
      this.#stop = undefined;
    });
  }

  /** Never rejects: who looks again has it tried again. */
  async #watch(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of (await this.#options.hypervisor()).watch(signal)) {
        if (isChange(event)) this.#options.onChange(event);
      }
    } catch {
      // Who looks is told what is wrong when he asks.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    this.#stop?.abort();
    await this.#watching;
  }
}

function isChange(event: VmEvent): event is VmEvent & { event: "made" | "changed" | "removed" } {
  return event.event !== "seen";
}
