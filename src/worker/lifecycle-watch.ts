/** Drains a worker when it has lived long enough, or its host goes. *Owns* its timer. */
import type { WorkerSettings } from "../config/worker-process.ts";
import type { TerminationNotice } from "../host/termination-notice.ts";
import { decideLifecycle } from "./lifecycle.ts";
import type { Worker } from "./worker.ts";

export class LifecycleWatch implements Disposable {
  readonly #worker: Worker;
  readonly #settings: WorkerSettings;
  readonly #notice: TerminationNotice;
  readonly #started = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(worker: Worker, settings: WorkerSettings, notice: TerminationNotice) {
    this.#worker = worker;
    this.#settings = settings;
    this.#notice = notice;
    notice.signal.addEventListener("abort", () => this.look());
    this.look();
  }

  /** To be called when a task was claimed or has ended. */
  look(): void {
    clearTimeout(this.#timer);
    const { idleSinceMs, claimed } = this.#worker;
    const decision = decideLifecycle(this.#settings.lifecycle, {
      now: performance.now(),
      started: this.#started,
      tasksClaimed: claimed,
      idleSince: idleSinceMs,
      notice: this.#notice.reason,
    });
    if (decision.action === "drain") {
      const { shutdown } = this.#settings;
      const isNotice = decision.cause === "termination-notice";
      this.#worker.drain(decision.why, isNotice ? shutdown.notice.timeoutMs : shutdown.timeoutMs);
    } else if (decision.askAgainInMs !== undefined) {
      this.#timer = setTimeout(() => this.look(), decision.askAgainInMs).unref();
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
