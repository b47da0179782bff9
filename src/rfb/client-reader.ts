/**
 * Takes what an RFB client sends apart into messages, wherever the borders of its chunks are. Pure.
 *
 *   version ──3.3──▶ init ──▶ messages …
 *      └──3.7, 3.8──▶ security ──┘
 *
 * Keeps less than one message, and of the text of a clipboard nothing.
 */
import { lengthOf, type RfbClientKind } from "./client-messages.ts";
import { RfbProtocolError } from "./errors.ts";

/** A message; or a part of one that may be long. All bytes of a client are in one, in their order. */
export interface RfbClientPart {
  readonly kind: RfbClientKind;
  readonly bytes: Buffer;
}

type Phase = "version" | "security" | "init" | "messages";

const VERSION_BYTES = 12;
/** There are others that nobody uses, and whose handshake QEMU takes for that of 3.3. */
const VERSIONS: Readonly<Record<string, "security" | "init">> = {
  "RFB 003.003\n": "init",
  "RFB 003.007\n": "security",
  "RFB 003.008\n": "security",
};
/** Security type "None", which is all that a machine offers: its socket is nobody else's. */
const NONE = 1;

export class RfbClientReader {
  #phase: Phase = "version";
  #rest: Buffer = Buffer.alloc(0);
  /** Of a message whose head has gone by. */
  #body: { kind: RfbClientKind; bytes: number } | undefined;

  /**
   * Parts are views of what was pushed, or copies.
   *
   * @throws {RfbProtocolError} Nothing may be pushed after it.
   */
  push(chunk: Buffer): RfbClientPart[] {
    const parts: RfbClientPart[] = [];
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (rest.length > 0) {
      const part = this.#next(rest);
      if (part === undefined) break;
      parts.push(part);
      rest = rest.subarray(part.bytes.length);
    }
    // A view would keep all of the chunk.
    this.#rest = Buffer.from(rest);
    return parts;
  }

  /** Undefined: more has to come. */
  #next(rest: Buffer): RfbClientPart | undefined {
    switch (this.#phase) {
      case "version":
        return this.#version(rest);
      case "security":
        this.#phase = "init";
        if (rest[0] === NONE) return { kind: "security", bytes: rest.subarray(0, 1) };
        throw new RfbProtocolError(`a client of the display chose the security type ${rest[0]}, which is not offered`);
      case "init":
        this.#phase = "messages";
        return { kind: "init", bytes: rest.subarray(0, 1) };
      case "messages":
        return this.#body === undefined ? this.#head(rest) : this.#more(rest, this.#body);
    }
  }

  #version(rest: Buffer): RfbClientPart | undefined {
    if (rest.length < VERSION_BYTES) return undefined;
    const bytes = rest.subarray(0, VERSION_BYTES);
    const text = bytes.toString("latin1");
    const next = Object.hasOwn(VERSIONS, text) ? VERSIONS[text] : undefined;
    if (next === undefined)
      throw new RfbProtocolError("a client of the display speaks no version of RFB: 3.3, 3.7, 3.8");
    this.#phase = next;
    return { kind: "version", bytes };
  }

  #head(rest: Buffer): RfbClientPart | undefined {
    const length = lengthOf(rest);
    if ("need" in length || rest.length < length.head) return undefined;
    const { kind, head, body } = length;
    if (body > 0) this.#body = { kind, bytes: body };
    return { kind, bytes: rest.subarray(0, head) };
  }

  #more(rest: Buffer, { kind, bytes }: { kind: RfbClientKind; bytes: number }): RfbClientPart {
    const part = rest.subarray(0, bytes);
    const left = bytes - part.length;
    this.#body = left === 0 ? undefined : { kind, bytes: left };
    return { kind, bytes: part };
  }
}
