/**
 * What the server tells by itself.
 *
 *   connecting ──hello──▶ connected ──broken──▶ waiting ──▶ connecting …
 *
 * What happened while there was no connection is not told: listeners that get `hello` or `gap` fetch again.
 */
import { signal } from "@preact/signals";
import type { EventName, ServerEvent } from "../api-types.ts";
import { API } from "./api.ts";

const NAMES: readonly EventName[] = ["hello", "gap", "task", "phase", "worker", "image", "machine"];
const MIN_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;

export const connected = signal(false);

type Listener = (event: ServerEvent) => void;
const listeners = new Set<Listener>();
let source: EventSource | undefined;
let waitMs = MIN_WAIT_MS;
let timer: ReturnType<typeof setTimeout> | undefined;

/** @returns how to stop listening. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function startEvents(): void {
  stopEvents();
  source = new EventSource(`${API}/events`);
  for (const name of NAMES) source.addEventListener(name, (message) => tell(name, message));
  // A browser tries again by itself after some faults and not after others; we always do, and slower each time.
  source.addEventListener("error", () => {
    stopEvents();
    timer = setTimeout(startEvents, waitMs);
    waitMs = Math.min(MAX_WAIT_MS, waitMs * 2);
  });
}

export function stopEvents(): void {
  clearTimeout(timer);
  source?.close();
  source = undefined;
  connected.value = false;
}

function tell(name: EventName, message: MessageEvent<string>): void {
  if (name === "hello") {
    waitMs = MIN_WAIT_MS;
    connected.value = true;
  }
  let data: unknown;
  try {
    data = JSON.parse(message.data);
  } catch {
    return;
  }
  for (const listener of [...listeners]) listener({ name, data } as ServerEvent);
}
