/** Two ends of one connection within the process; whoever destroys an end too early destroys the other with an error. */
import { type Duplex, duplexPair } from "node:stream";

export function linkedPair(): [Duplex, Duplex] {
  const [one, other] = duplexPair({ allowHalfOpen: true });
  link(one, other);
  link(other, one);
  return [one, other];
}

function link(from: Duplex, to: Duplex): void {
  from.once("close", () => {
    if (from.readableEnded && from.writableFinished) return;
    to.destroy(Object.assign(new Error("the connection was broken off"), { code: "ECONNRESET" }));
  });
}
