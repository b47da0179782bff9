/** What a cache is at the moment, as it is written beside it. Pure. */

export interface CacheLayer {
  /** Name of its file. */
  readonly file: string;
  readonly format: "raw" | "qcow2";
}

/** One state of a cache. Its files are never written to again. */
export interface Generation {
  readonly id: string;
  /** What the guest sees. */
  readonly sizeBytes: number;
  /** When the cache was made; later generations have the same. */
  readonly created: string;
  /** Nobody has kept anything in it yet, and it was not preloaded. */
  readonly isEmpty: boolean;
  /** From the bottom up; each is the backing file of the next. */
  readonly layers: readonly CacheLayer[];
}

const FILE = /^[0-9a-f-]{36}\.(raw|qcow2)$/;

export function formatRecord(generation: Generation): string {
  return `${JSON.stringify({ version: 1, ...generation })}\n`;
}

/** Undefined for anything that {@link formatRecord} did not write. */
export function tryParseRecord(text: string): Generation | undefined {
  let value: Partial<Generation & { version: number }>;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { version, id, sizeBytes, created, isEmpty, layers } = value ?? {};
  if (version !== 1 || typeof id !== "string" || typeof sizeBytes !== "number" || typeof created !== "string") {
    return undefined;
  }
  if (typeof isEmpty !== "boolean" || !Array.isArray(layers) || layers.length === 0) return undefined;
  if (!layers.every(isLayer)) return undefined;
  return { id, sizeBytes, created, isEmpty, layers };
}

function isLayer(layer: Partial<CacheLayer> | null): boolean {
  const format = FILE.exec(layer?.file ?? "")?.[1];
  return format !== undefined && format === layer?.format;
}
