/** The artifacts of one run, as they are added; on the disk of this host. */
import type { Readable } from "node:stream";
import type { ArtifactRecord } from "./record.ts";
import { type ArtifactSink, type ArtifactTraits, storeArtifact } from "./store-artifact.ts";

export class RunArtifacts {
  readonly #sink: ArtifactSink;
  readonly #records: ArtifactRecord[] = [];

  constructor(sink: ArtifactSink) {
    this.#sink = sink;
  }

  get records(): readonly ArtifactRecord[] {
    return this.#records;
  }

  /** For who keeps records of his own, and adds them later. */
  get sink(): ArtifactSink {
    return this.#sink;
  }

  add(...records: readonly ArtifactRecord[]): void {
    this.#records.push(...records);
  }

  async put(
    name: string,
    content: Readable,
    signal: AbortSignal,
    traits: Omit<ArtifactTraits, "name"> = {},
  ): Promise<void> {
    this.add(await storeArtifact(this.#sink, { name, ...traits }, content, signal));
  }
}
