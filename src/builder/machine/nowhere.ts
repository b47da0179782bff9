import { Writable } from "node:stream";

/** Where the log of a task goes in a machine that has no task. */
export function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
