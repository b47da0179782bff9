/** The segments of one connection, on their way into packets. */
import type { Ipv4Header } from "../../packet/ipv4.ts";
import {
  TCP_HEADER_BYTES,
  TCP_SYN_OPTION_BYTES,
  type TcpHeader,
  writeSynOptions,
  writeTcpHeader,
} from "./tcp-segment.ts";

/** Where segments go. */
export interface TcpWire {
  /** Whether data may be sent; if not, `transmit` is called again when it may. */
  readonly hasRoom: boolean;
  /** The most payload a segment may have, in either direction. */
  readonly maxSegmentBytes: number;
  /** Room for the TCP part of a packet, or undefined if it would be lost anyway. */
  tryAllocateTcp(bytes: number): Buffer | undefined;
  /** Addresses of what is sent. */
  readonly header: Ipv4Header;
}

type Ports = Pick<TcpHeader, "sourcePort" | "destinationPort">;
export type SegmentFields = Omit<TcpHeader, keyof Ports>;

/** Each method returns whether there was room; otherwise the segment is lost. */
export class TcpSegmentWriter {
  readonly #wire: TcpWire;
  readonly #ports: Ports;

  constructor(wire: TcpWire, ports: Ports) {
    this.#wire = wire;
    this.#ports = ports;
  }

  writeSyn(fields: SegmentFields, windowShift: number | undefined): boolean {
    return this.#write(fields, TCP_SYN_OPTION_BYTES, 0, (options) => {
      writeSynOptions(options, this.#wire.maxSegmentBytes, windowShift);
    });
  }

  writeData(fields: SegmentFields, bytes: number, fill: (payload: Buffer) => void): boolean {
    return this.#write(fields, 0, bytes, fill);
  }

  writeBare(fields: SegmentFields): boolean {
    return this.#write(fields, 0, 0, () => {});
  }

  #write(fields: SegmentFields, optionBytes: number, bytes: number, fill: (rest: Buffer) => void): boolean {
    const out = this.#wire.tryAllocateTcp(TCP_HEADER_BYTES + optionBytes + bytes);
    if (out === undefined) return false;
    fill(out.subarray(TCP_HEADER_BYTES));
    writeTcpHeader(out, this.#wire.header, { ...this.#ports, ...fields }, optionBytes);
    return true;
  }
}
