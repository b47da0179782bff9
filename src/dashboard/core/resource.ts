/**
 * What `GET` of a path answers, kept: shown at once when somebody looks again, and fetched again meanwhile.
 *
 * One fetch of a path at a time; what changes during it is fetched once more afterwards. A path that nobody looks at is
 * not fetched, and forgotten when there are too many.
 */
import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { ServerEvent } from "../api-types.ts";
import { type ApiFailure, getJson } from "./api.ts";
import { connected, listen } from "./events.ts";

export interface Resource<T> {
  /** Undefined: not here yet, or never was. */
  readonly data: T | undefined;
  /** Of the last attempt. */
  readonly error: ApiFailure | undefined;
  readonly isLoading: boolean;
  readonly refresh: () => Promise<void>;
}

export interface ResourceOptions {
  /** Whether an event makes it old; default: none does. */
  on?: (event: ServerEvent) => boolean;
  /** It is also fetched so often; default: only while there are no events. */
  everyMs?: number;
}

const MAX_KEPT = 60;
/** Between two fetches because of events. */
const MIN_PAUSE_MS = 400;
const POLL_MS = 5_000;

class Entry {
  readonly data: Signal<unknown> = signal(undefined);
  readonly error: Signal<ApiFailure | undefined> = signal(undefined);
  readonly isLoading = signal(false);
  readonly #path: string;
  users = 0;
  #running: Promise<void> | undefined;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  refresh(): Promise<void> {
    if (this.#running !== undefined) this.#again = true;
    this.#running ??= this.#fetch().finally(() => {
      this.#running = undefined;
      if (this.#again) this.refreshSoon();
      this.#again = false;
    });
    return this.#running;
  }

  refreshSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.users > 0) void this.refresh();
    }, MIN_PAUSE_MS);
  }

  async #fetch(): Promise<void> {
    this.isLoading.value = true;
    try {
      const data = await getJson<unknown>(this.#path);
      batch(() => {
        this.data.value = data;
        this.error.value = undefined;
      });
    } catch (error) {
      this.error.value = error as ApiFailure;
    } finally {
      this.isLoading.value = false;
    }
  }
}

const entries = new Map<string, Entry>();

function entryOf(path: string): Entry {
  const entry = entries.get(path) ?? new Entry(path);
  entries.delete(path);
  entries.set(path, entry);
  for (const [key, { users }] of entries) {
    if (entries.size <= MAX_KEPT) break;
    if (users === 0 && key !== path) entries.delete(key);
  }
  return entry;
}

/** For a component. @param path Undefined: nothing to fetch yet. */
export function useResource<T>(path: string | undefined, { on, everyMs }: ResourceOptions = {}): Resource<T> {
  const entry = useMemo(() => (path === undefined ? undefined : entryOf(path)), [path]);
  useEffect(() => {
    if (entry === undefined) return undefined;
    entry.users++;
    void entry.refresh();
    return () => void entry.users--;
  }, [entry]);
  useEffect(() => {
    if (entry === undefined) return undefined;
    return listen((event) => {
      if (event.name === "hello" || event.name === "gap") void entry.refresh();
      else if (on?.(event) === true) entry.refreshSoon();
    });
  }, [entry, on]);
  useEffect(() => {
    if (entry === undefined) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden && (everyMs !== undefined || !connected.value)) void entry.refresh();
    }, everyMs ?? POLL_MS);
    return () => clearInterval(timer);
  }, [entry, everyMs]);
  return {
    data: entry?.data.value as T | undefined,
    error: entry?.error.value,
    isLoading: entry?.isLoading.value ?? false,
    refresh: () => entry?.refresh() ?? Promise.resolve(),
  };
}

/** After an action whose answer is not waited for: what is looked at is fetched again. */
export function refreshAll(): void {
  for (const entry of entries.values()) if (entry.users > 0) void entry.refresh();
}

export type { ReadonlySignal };
