/** Waiting for things that may be cancelled. */

/**
 * Settles like `promise`, or rejects with `signal.reason` as soon as the signal
 * fires. The promise itself is not stopped: whoever made it must heed the signal too.
 */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  if (signal.aborted) {
    promise.catch(() => {});
    throw signal.reason;
  }
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Settles like `promise`, or rejects with `onTimeout()` after `timeoutMs`. */
export async function orTimeout<T>(promise: Promise<T>, timeoutMs: number, onTimeout: () => Error): Promise<T> {
  const expired = Promise.withResolvers<never>();
  const timer = setTimeout(() => expired.reject(onTimeout()), timeoutMs);
  try {
    return await Promise.race([promise, expired.promise]);
  } finally {
    clearTimeout(timer);
  }
}
