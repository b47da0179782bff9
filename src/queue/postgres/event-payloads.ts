/** Events as they are told through NOTIFY: several in one payload, as a JSON array. Pure. */
import type { QueueEvent } from "../queue-events.ts";

export const EVENT_CHANNEL = "boxcar_events";

/** Stands for events that were dropped. */
export interface Gap {
  readonly kind: "gap";
}

/** PostgreSQL takes less than 8,000. */
const MAX_PAYLOAD_BYTES = 7_900;

/** What is too long to be told alone is left out. */
export function packEvents(events: readonly (QueueEvent | Gap)[]): string[] {
  const payloads: string[] = [];
  let parts: string[] = [];
  let sizeBytes = 0;
  const end = () => {
    if (parts.length > 0) payloads.push(`[${parts.join(",")}]`);
    parts = [];
    sizeBytes = 2;
  };
  end();
  for (const event of events) {
    const part = JSON.stringify(event);
    const partBytes = Buffer.byteLength(part) + 1;
    if (partBytes + 2 > MAX_PAYLOAD_BYTES) continue;
    if (sizeBytes + partBytes > MAX_PAYLOAD_BYTES) end();
    parts.push(part);
    sizeBytes += partBytes;
  }
  end();
  return payloads;
}

/** Texts that each kind must have; numbers are checked below. */
const TEXTS: Readonly<Record<QueueEvent["kind"], readonly string[]>> = {
  task: ["taskId", "state", "queue", "time"],
  phase: ["taskId", "phase", "workerId"],
  worker: ["workerId", "state"],
  image: ["workerId", "change", "image"],
  machine: ["workerId", "machine", "change", "state"],
};

/** What a newer version may say beside is left out. */
export function unpackEvents(payload: string): (QueueEvent | Gap)[] {
  let data: unknown;
  try {
    data = JSON.parse(payload);
  } catch {
    return [];
  }
  return Array.isArray(data) ? data.filter(isEvent) : [];
}

function isEvent(data: unknown): data is QueueEvent | Gap {
  if (typeof data !== "object" || data === null || !("kind" in data) || typeof data.kind !== "string") return false;
  if (data.kind === "gap") return true;
  if (!Object.hasOwn(TEXTS, data.kind)) return false;
  const event = data as Readonly<Record<string, unknown>>;
  const hasTexts = TEXTS[data.kind as QueueEvent["kind"]].every((name) => typeof event[name] === "string");
  const { runId } = event;
  return hasTexts && (runId === undefined ? data.kind !== "phase" : typeof runId === "number");
}
