/**
 * A stack of things to give back.
 *
 * *Owns* everything registered with it until {@link Scope.move} hands the whole
 * to somebody else. Disposal runs every step in reverse order even if one
 * fails, happens once, and may be asked for by several callers at once: all
 * wait for the same disposal.
 */
export class Scope implements AsyncDisposable {
  #steps: (() => unknown)[] = [];
  #disposal: Promise<void> | undefined;

  get disposed(): boolean {
    return this.#disposal !== undefined;
  }

  /** Runs `step` at disposal. On a scope already disposed it is a bug. */
  defer(step: () => unknown): void {
    if (this.#disposal !== undefined) throw new Error("Scope.defer() after disposal");
    this.#steps.push(step);
  }

  /** Disposes `resource` with the scope and returns it. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.defer(() => (Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose]()));
    return resource;
  }

  /** Hands over everything owned to a new scope; this one becomes empty. */
  move(): Scope {
    const target = new Scope();
    target.#steps = this.#steps;
    this.#steps = [];
    return target;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#run();
    return this.#disposal;
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, "several steps of a clean-up failed");
  }
}
