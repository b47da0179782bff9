/** A monitor on the other end of a stream, which answers as it is told. */
import { createInterface } from "node:readline";
import { type Duplex, duplexPair } from "node:stream";

export type Answer = { return: unknown } | { error: { class: string; desc: string } } | "silence";

export class FakeMonitor {
  /** For the client. */
  readonly stream: Duplex;
  readonly commands: { execute: string; arguments?: unknown }[] = [];
  readonly #side: Duplex;

  constructor(answers: Readonly<Record<string, Answer>> = {}) {
    [this.stream, this.#side] = duplexPair();
    this.#side.on("error", () => {});
    createInterface({ input: this.#side }).on("line", (line) => {
      const { id, ...command } = JSON.parse(line) as { id: number; execute: string };
      this.commands.push(command);
      const answer = answers[command.execute] ?? { return: {} };
      if (answer !== "silence") this.send({ ...answer, id });
    });
    this.send({ QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 } }, capabilities: [] } });
  }

  send(message: object): void {
    this.#side.write(`${JSON.stringify(message)}\r\n`);
  }

  sendRaw(text: string): void {
    this.#side.write(text);
  }

  /** As when QEMU dies. */
  hangUp(): void {
    this.#side.destroy();
    this.stream.destroy();
  }
}
