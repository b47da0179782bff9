/**
 * One log while it is looked at: its lines, the connection they come by, what is searched in it.
 *
 * What comes is only noted; the page is drawn once a frame, however much came. *Owns* the connection.
 */
import { batch, signal } from "@preact/signals";
import type { ApiFailure } from "../../core/api.ts";
import { type ConnectionState, LogConnection } from "./log-connection.ts";
import { LogSearch } from "./log-search.ts";
import { LogStore } from "./log-store.ts";

/** Of a frame, for searching. */
const SEARCH_MS = 6;

export class LogModel implements Disposable {
  #store = new LogStore();
  readonly #connection: LogConnection;
  #frame: number | undefined;
  /** Changes when there are other lines. */
  readonly version = signal(0);
  readonly state = signal<ConnectionState>("connecting");
  readonly error = signal<ApiFailure | undefined>(undefined);
  readonly search = signal<LogSearch | undefined>(undefined);
  /** Changes when the search has come further. */
  readonly searchVersion = signal(0);

  /** @param path Of the log, below the API. @param isLive Whether a log that is not there may come. */
  constructor(path: string, isLive: boolean) {
    this.#connection = new LogConnection({
      path,
      isLive,
      onBytes: (bytes) => {
        this.#store.append(bytes);
        this.#draw();
      },
      onReset: () => {
        this.#store = new LogStore();
        this.setSearch(this.search.peek()?.query ?? "");
        this.#draw();
      },
      onState: (state, error) =>
        batch(() => {
          this.state.value = state;
          this.error.value = error;
        }),
    });
  }

  get store(): LogStore {
    return this.#store;
  }

  setSearch(query: string): void {
    this.search.value = query === "" ? undefined : new LogSearch(this.#store, query);
    this.#draw();
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
  }

  #draw(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      batch(() => {
        this.version.value++;
        this.#searchOn();
      });
    });
  }

  #searchOn(): void {
    const search = this.search.peek();
    if (search === undefined || search.isDone) return;
    const end = performance.now() + SEARCH_MS;
    search.step(() => performance.now() < end);
    this.searchVersion.value++;
    if (!search.isDone) this.#draw();
  }
}
