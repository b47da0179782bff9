/** Connections by the three numbers that tell those of one guest apart. */

export interface ConnectionKey {
  readonly guestPort: number;
  /** IPv4, as a uint32. */
  readonly address: number;
  readonly port: number;
}

export class ConnectionTable<T extends ConnectionKey> implements Iterable<T> {
  /** By the guest's port, then by the other two: most ports of a guest have one connection. */
  readonly #byPort = new Map<number, Map<number, T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(guestPort: number, address: number, port: number): T | undefined {
    return this.#byPort.get(guestPort)?.get(remoteOf(address, port));
  }

  /** Replaces one with the same key. */
  add(connection: T): void {
    this.delete(connection);
    const { guestPort, address, port } = connection;
    const remotes = this.#byPort.get(guestPort) ?? new Map<number, T>();
    this.#byPort.set(guestPort, remotes.set(remoteOf(address, port), connection));
    this.#size += 1;
  }

  delete({ guestPort, address, port }: ConnectionKey): void {
    const remotes = this.#byPort.get(guestPort);
    if (remotes?.delete(remoteOf(address, port)) !== true) return;
    this.#size -= 1;
    if (remotes.size === 0) this.#byPort.delete(guestPort);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const remotes of this.#byPort.values()) yield* remotes.values();
  }
}

function remoteOf(address: number, port: number): number {
  return address * 0x1_0000 + port;
}
