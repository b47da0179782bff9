/**
 * DNS over a TCP connection (RFC 7766): each message is preceded by its length, 2 bytes big-endian.
 *
 * The client is hostile. Messages are answered one after the other, so a client that does not read, or that asks
 * faster than it is answered, is not read from; what it may keep us waiting with is limited.
 */
import { once } from "node:events";
import type { Duplex } from "node:stream";

const PREFIX_BYTES = 2;

export interface DnsOverTcpLimits {
  /** Of one message from the client; default 4,096. */
  readonly maxMessageBytes?: number;
  /** On one connection; default 200. */
  readonly maxMessages?: number;
  /** Until the next message is whole, and until an answer has been taken; default 10 s. */
  readonly idleMs?: number;
}

/** The reply to a message; undefined: it gets none. */
export type DnsResponder = (message: Buffer) => Promise<Buffer | undefined>;

/**
 * Answers what comes on `connection`; takes ownership of it.
 *
 * A client that ends its side gets the answers it waits for; one that breaks a limit is disconnected.
 *
 * @returns when the connection is done with; never rejects.
 */
export async function serveDnsOverTcp(
  connection: Duplex,
  answer: DnsResponder,
  { maxMessageBytes = 4_096, maxMessages = 200, idleMs = 10_000 }: DnsOverTcpLimits = {},
): Promise<void> {
  connection.on("error", () => {});
  const gone = new AbortController();
  connection.once("close", () => gone.abort());
  const wait = () => setTimeout(() => connection.destroy(), idleMs).unref();
  let patience = wait();
  try {
    for await (const message of messagesOf(connection, maxMessageBytes, maxMessages)) {
      // An answer may take its time; that is not the client's fault.
      clearTimeout(patience);
      const reply = await answer(message);
      patience = wait();
      if (reply === undefined || connection.write(withPrefix(reply))) continue;
      await once(connection, "drain", { signal: gone.signal });
      patience.refresh();
    }
    connection.end();
    if (!connection.writableFinished) await once(connection, "finish", { signal: gone.signal });
  } catch {
    // The client is gone.
  } finally {
    clearTimeout(patience);
    connection.destroy();
  }
}

/** Ends at the first message that is too large, and when there were too many. */
async function* messagesOf(connection: Duplex, maxMessageBytes: number, maxMessages: number): AsyncGenerator<Buffer> {
  let pending: Buffer = Buffer.alloc(0);
  let count = 0;
  // The end of reading must not be the end of the answers.
  const chunks: AsyncIterable<Buffer> = connection.iterator({ destroyOnReturn: false });
  for await (const chunk of chunks) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + pending.readUInt16BE(0);
      if (end - PREFIX_BYTES > maxMessageBytes) return;
      if (pending.length < end) break;
      yield pending.subarray(PREFIX_BYTES, end);
      pending = pending.subarray(end);
      count += 1;
      if (count === maxMessages) return;
    }
  }
}

function withPrefix(message: Buffer): Buffer {
  const out = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  out.writeUInt16BE(message.length);
  message.copy(out, PREFIX_BYTES);
  return out;
}
