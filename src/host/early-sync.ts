/** Brings a file to the disk while it is being written, so that little is left to wait for at its end. */
import type { FileHandle } from "node:fs/promises";

/** After so much the disk is asked to begin. */
const SYNC_BYTES = 64 * 1_024 * 1_024;

export class EarlySync {
  readonly #file: FileHandle;
  #unsynced = 0;
  #sync: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  /** @param file Stays the caller's; it may be closed after {@link settle}. */
  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** After `bytes` more have been written to the file, by whomever. */
  wrote(bytes: number): void {
    this.#unsynced += bytes;
    if (this.#unsynced < SYNC_BYTES || this.#sync !== undefined) return;
    this.#unsynced = 0;
    this.#sync = this.#start();
  }

  async #start(): Promise<void> {
    try {
      await this.#file.datasync();
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#sync = undefined;
    }
  }

  /** Waits for the disk, as far as it was asked. @throws what it has said: it does not say so again. */
  async settle(): Promise<void> {
    await this.#sync;
    this.throwFailure();
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
