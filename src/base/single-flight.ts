/**
 * Work that several callers want at once is done once.
 *
 *   idle → running (1 … n waiting) → settled, forgotten
 *
 * Each caller may give up on its own; when the last one has, the work is aborted. A failure is told to all who
 * waited and to nobody after them. *Owns* the running work and its abort controller.
 */
import { orAborted } from "./abort.ts";

interface Flight<T, P> {
  result: Promise<T>;
  controller: AbortController;
  listeners: Set<(progress: P) => void>;
  waiting: number;
}

export interface FlightOptions<P> {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: P) => void) | undefined;
}

export class SingleFlight<T, P = never> implements AsyncDisposable {
  readonly #flights = new Map<string, Flight<T, P>>();

  /**
   * Joins the work named `key`, or starts it.
   *
   * @param work Must heed its signal and have cleaned up when it settles.
   * @throws what the work threw; `signal.reason` if the caller's signal fired. If it was the last caller, the
   *   work has settled by then.
   */
  async run(
    key: string,
    work: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
    { signal, onProgress }: FlightOptions<P> = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    let flight = this.#flights.get(key);
    // One that was given up on is still cleaning up; it must not take new callers with it.
    while (flight?.controller.signal.aborted) {
      await orAborted(Promise.allSettled([flight.result]), signal);
      flight = this.#flights.get(key);
    }
    flight ??= this.#start(key, work);
    if (onProgress !== undefined) flight.listeners.add(onProgress);
    flight.waiting++;
    try {
      return await orAborted(flight.result, signal);
    } finally {
      flight.waiting--;
      if (onProgress !== undefined) flight.listeners.delete(onProgress);
      if (flight.waiting === 0) {
        flight.controller.abort(signal?.reason);
        await Promise.allSettled([flight.result]);
      }
    }
  }

  #start(key: string, work: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>): Flight<T, P> {
    const controller = new AbortController();
    const listeners = new Set<(progress: P) => void>();
    const report = (progress: P) => {
      for (const listener of listeners) listener(progress);
    };
    const result = work(controller.signal, report).finally(() => this.#flights.delete(key));
    const flight: Flight<T, P> = { result, controller, listeners, waiting: 0 };
    this.#flights.set(key, flight);
    return flight;
  }

  /** Aborts what runs and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    const flights = [...this.#flights.values()];
    for (const { controller } of flights) controller.abort(new Error("it was closed"));
    await Promise.allSettled(flights.map(({ result }) => result));
  }
}
