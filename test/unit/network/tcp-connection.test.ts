import { describe, expect, it } from "vitest";
import { GUEST, METADATA } from "../../../src/network/endpoints.ts";
import { IpProtocol, transportChecksum } from "../../../src/network/packet/ipv4.ts";
import { sequenceAdd } from "../../../src/network/user/tcp/sequence.ts";
import { TcpConnection, type TcpUser } from "../../../src/network/user/tcp/tcp-connection.ts";
import { parseTcpOptions, TcpFlag, type TcpSegment, tryParseTcp } from "../../../src/network/user/tcp/tcp-segment.ts";

const { fin, syn, rst, psh, ack } = TcpFlag;
const HEADER = { protocol: IpProtocol.tcp, source: METADATA, destination: GUEST };
/** Close to the end of the sequence space, so that every test crosses it. */
const GUEST_START = 0xffff_ffff;
const OWN_START = 0xffff_fffe;
const SYN_OPTIONS = Buffer.from("020405b4" + "01030304", "hex");

/** The guest's end of one connection, and the owner and the user of the network's end. */
class Peer implements TcpUser {
  hasRoom = true;
  unreadBytes = 0;
  readonly events: string[] = [];
  gone = false;
  sequence = GUEST_START;
  window = 0xffff;
  readonly connection: TcpConnection;
  readonly #sent: Buffer[] = [];

  constructor(options: { synOptions?: Buffer; synWindow?: number; maxSegmentBytes?: number } = {}) {
    const { synOptions = SYN_OPTIONS, synWindow = 0xffff, maxSegmentBytes = 1_460 } = options;
    const peer = this;
    const wire = {
      header: HEADER,
      maxSegmentBytes,
      get hasRoom() {
        return peer.hasRoom;
      },
      tryAllocateTcp: (bytes: number) => {
        const out = Buffer.alloc(bytes);
        this.#sent.push(out);
        return out;
      },
    };
    const owner = {
      established: (connection: TcpConnection) => {
        this.events.push("established");
        connection.attach(this);
      },
      ready: () => {},
      gone: () => {
        this.gone = true;
      },
      receiveLimitBytes: () => 256 * 1_024,
    };
    this.connection = new TcpConnection(
      this.#segment({ flags: syn, options: synOptions, window: synWindow }),
      wire,
      owner,
      OWN_START,
    );
    this.sequence = sequenceAdd(this.sequence, 1);
  }

  static established(options: { synOptions?: Buffer; maxSegmentBytes?: number } = {}): Peer {
    const peer = new Peer(options);
    peer.transmit();
    peer.receive({ flags: ack, acknowledgement: own(0) });
    return peer;
  }

  onReadable(): void {
    this.events.push("readable");
  }
  onAcknowledged(): void {
    this.events.push("acknowledged");
  }
  onFinished(): void {
    this.events.push("finished");
  }
  onReset(): void {
    this.events.push("reset");
  }

  /** Gives a segment to the connection; `offset` moves its sequence number. */
  receive(segment: Partial<TcpSegment>, offset = 0): void {
    this.connection.receive(this.#segment({ ...segment, sequence: sequenceAdd(this.sequence, offset) }));
    this.connection.deliver();
  }

  /** Sends what is next in order, and remembers that it was sent. */
  say(text: string, flags = 0): void {
    this.receive({ flags: ack | flags, acknowledgement: own(0), payload: Buffer.from(text) });
    this.sequence = sequenceAdd(this.sequence, text.length + (flags & fin ? 1 : 0));
  }

  acknowledge(position: number): void {
    this.receive({ flags: ack, acknowledgement: own(position) });
  }

  /** What the connection sends now. */
  transmit(maxSegments = 100): TcpSegment[] {
    this.connection.transmit(maxSegments);
    return this.#sent.splice(0).map((bytes) => {
      expect(transportChecksum(HEADER, bytes)).toBe(0);
      return tryParseTcp(bytes) as TcpSegment;
    });
  }

  ticks(count: number): void {
    for (let i = 0; i < count; i++) this.connection.tick();
  }

  takeText(): string {
    return this.connection.take()?.toString() ?? "";
  }

  #segment(overrides: Partial<TcpSegment>): TcpSegment {
    return {
      sourcePort: 40_000,
      destinationPort: 80,
      sequence: this.sequence,
      acknowledgement: 0,
      flags: 0,
      window: this.window,
      options: Buffer.alloc(0),
      payload: Buffer.alloc(0),
      ...overrides,
    };
  }
}

/** The sequence number of a position in what the connection sends. */
function own(position: number): number {
  return sequenceAdd(OWN_START, 1 + position);
}

describe("opening", () => {
  it("answers a SYN with its own segment size and scale", () => {
    const [segment] = new Peer().transmit();
    expect(segment).toMatchObject({ flags: syn | ack, sequence: OWN_START, acknowledgement: 0, window: 0xffff });
    expect(segment && parseTcpOptions(segment.options)).toEqual({ maximumSegmentBytes: 1_460, windowShift: 3 });
  });

  it("does not scale if the guest does not", () => {
    const peer = new Peer({ synOptions: Buffer.alloc(0) });
    const [segment] = peer.transmit();
    expect(segment && parseTcpOptions(segment.options)).toMatchObject({ windowShift: undefined });
    peer.receive({ flags: ack, acknowledgement: own(0) });
    peer.say("x");
    expect(peer.transmit()[0]?.window).toBe(0xffff);
  });

  it("answers a repeated SYN again, and repeats by itself until it gives up", () => {
    const peer = new Peer();
    expect(peer.transmit()).toHaveLength(1);
    peer.receive({ flags: syn }, -1);
    expect(peer.transmit()).toMatchObject([{ flags: syn | ack }]);
    for (const patience of [4, 8, 16, 32]) {
      peer.ticks(patience);
      expect(peer.transmit()).toMatchObject([{ flags: syn | ack }]);
    }
    peer.ticks(64);
    expect(peer.gone).toBe(true);
    expect(peer.events).toEqual([]);
  });

  it("resets a handshake that acknowledges something else", () => {
    const peer = new Peer();
    peer.transmit();
    peer.receive({ flags: ack, acknowledgement: own(77) });
    expect(peer.transmit()).toMatchObject([{ flags: rst, sequence: own(77) }]);
    expect(peer.events).toEqual([]);
  });

  it("takes data that comes with the end of the handshake", () => {
    const peer = new Peer();
    peer.transmit();
    peer.say("hello");
    expect(peer.events).toContain("established");
    expect(peer.takeText()).toBe("hello");
  });

  it.each([
    ["as large as the link carries to a guest that takes them", "02043bd8", [15_320, 15_320, 9_360]],
    ["no larger than that, whatever the guest says", "0204ffff", [15_320, 15_320, 9_360]],
    ["no larger than the guest takes", "0204238c", [9_100, 9_100, 9_100, 9_100, 3_600]],
  ])("makes segments %s", (_what, synOptions, sizes) => {
    const options = { synOptions: Buffer.from(synOptions, "hex"), maxSegmentBytes: 15_320 };
    const [answer] = new Peer(options).transmit();
    expect(answer && parseTcpOptions(answer.options)).toMatchObject({ maximumSegmentBytes: 15_320 });
    const peer = Peer.established(options);
    peer.connection.send(Buffer.alloc(40_000));
    expect(peer.transmit().map(({ payload }) => payload.length)).toEqual(sizes);
  });

  it("never makes segments smaller than every host must take", () => {
    const peer = Peer.established({ synOptions: Buffer.from("02040001", "hex") });
    peer.connection.send(Buffer.alloc(2_000));
    expect(peer.transmit().map(({ payload }) => payload.length)).toEqual([536, 536, 536, 392]);
  });
});

describe("receiving", () => {
  it("acknowledges several segments at once", () => {
    const peer = Peer.established();
    peer.say("one ");
    peer.say("two");
    expect(peer.transmit()).toMatchObject([{ flags: ack, acknowledgement: sequenceAdd(GUEST_START, 8) }]);
    expect(peer.takeText()).toBe("one two");
  });

  it("drops what is out of order and says what it wants", () => {
    const peer = Peer.established();
    peer.receive({ flags: ack, acknowledgement: own(0), payload: Buffer.from("later") }, 100);
    expect(peer.transmit()).toMatchObject([{ flags: ack, acknowledgement: peer.sequence }]);
    expect(peer.takeText()).toBe("");
  });

  it("takes the new part of a repeated segment", () => {
    const peer = Peer.established();
    peer.say("abc");
    peer.receive({ flags: ack, acknowledgement: own(0), payload: Buffer.from("abcdef") }, -3);
    expect(peer.takeText()).toBe("abcdef");
  });

  it("acknowledges a wholly repeated segment", () => {
    const peer = Peer.established();
    peer.say("abc");
    peer.transmit();
    peer.receive({ flags: ack, acknowledgement: own(0), payload: Buffer.from("abc") }, -3);
    expect(peer.transmit()).toMatchObject([{ flags: ack, acknowledgement: peer.sequence }]);
    expect(peer.takeText()).toBe("abc");
  });

  it("closes its window when nobody reads, takes nothing beyond it, and opens it again", () => {
    const peer = Peer.established();
    let accepted = 0;
    for (let i = 0; i < 400; i++) {
      peer.receive({ flags: ack, acknowledgement: own(0), payload: Buffer.alloc(1_460, 1) });
      const [segment] = peer.transmit();
      const taken = ((segment?.acknowledgement as number) - peer.sequence) | 0;
      accepted += taken;
      peer.sequence = sequenceAdd(peer.sequence, taken);
      if (segment?.window === 0) break;
    }
    expect(accepted).toBeLessThanOrEqual(256 * 1_024);
    expect(accepted).toBeGreaterThan(250 * 1_024);
    peer.receive({ flags: ack, acknowledgement: own(0), payload: Buffer.from("!") });
    expect(peer.transmit()).toMatchObject([{ window: 0, acknowledgement: peer.sequence }]);

    let read = 0;
    for (let chunk = peer.connection.take(); chunk !== undefined; chunk = peer.connection.take()) {
      read += chunk.length;
      peer.connection.consumed();
    }
    expect(read).toBe(accepted);
    const news = peer.transmit();
    expect(news).toHaveLength(1);
    expect(news[0]?.window).toBeGreaterThan(0);
  });

  it("counts what the application has taken but not read against the window", () => {
    const peer = Peer.established();
    peer.unreadBytes = 256 * 1_024;
    peer.say("x".repeat(1_000));
    const before = peer.transmit()[0]?.window as number;
    peer.say("x".repeat(1_000));
    expect(peer.transmit()[0]?.window).toBe(before - 125);
  });
});

describe("sending", () => {
  it("fills segments and marks the last one", () => {
    const peer = Peer.established();
    peer.connection.send(Buffer.alloc(2_000, "a"));
    peer.connection.send(Buffer.alloc(1_000, "b"));
    const segments = peer.transmit();
    expect(segments.map(({ payload }) => payload.length)).toEqual([1_460, 1_460, 80]);
    expect(segments.map(({ sequence }) => sequence)).toEqual([own(0), own(1_460), own(2_920)]);
    expect(segments.map(({ flags }) => flags)).toEqual([ack, ack, ack | psh]);
    expect(Buffer.concat(segments.map(({ payload }) => payload)).toString()).toBe(
      "a".repeat(2_000) + "b".repeat(1_000),
    );
  });

  it("takes turns", () => {
    const peer = Peer.established();
    peer.connection.send(Buffer.alloc(10 * 1_460));
    expect(peer.connection.transmit(4)).toBe(true);
    expect(peer.connection.transmit(6)).toBe(false);
  });

  it("pulls nothing while the link has no room", () => {
    const peer = Peer.established();
    peer.connection.send(Buffer.alloc(5_000));
    peer.hasRoom = false;
    peer.say("question");
    expect(peer.connection.transmit(10)).toBe(true);
    expect(peer.transmit()).toEqual([]);
    peer.hasRoom = true;
    expect(peer.transmit()).toHaveLength(4);
  });

  it("keeps to the guest's window and goes on when it opens", () => {
    const peer = Peer.established();
    peer.window = 125;
    peer.acknowledge(0);
    peer.connection.send(Buffer.alloc(5_000));
    expect(peer.transmit().map(({ payload }) => payload.length)).toEqual([1_460]);
    peer.acknowledge(1_460);
    expect(peer.transmit().map(({ payload }) => payload.length)).toEqual([1_460]);
  });

  it("asks a guest with a closed window again and again, ever more seldom", () => {
    const peer = Peer.established();
    peer.window = 0;
    peer.acknowledge(0);
    peer.connection.send(Buffer.from("data"));
    expect(peer.transmit()).toEqual([]);
    for (const patience of [4, 8, 16]) {
      peer.ticks(patience - 1);
      expect(peer.transmit()).toEqual([]);
      peer.ticks(1);
      expect(peer.transmit()).toMatchObject([{ sequence: own(-1), payload: Buffer.alloc(0) }]);
    }
    peer.window = 100;
    peer.acknowledge(0);
    expect(peer.transmit()).toMatchObject([{ sequence: own(0), payload: Buffer.from("data") }]);
  });

  it("repeats everything, slowly at first, when nothing is acknowledged", () => {
    const peer = Peer.established();
    peer.connection.send(Buffer.alloc(4 * 1_460));
    expect(peer.transmit()).toHaveLength(4);
    peer.ticks(4);
    expect(peer.transmit()).toMatchObject([{ sequence: own(0) }]);
    peer.acknowledge(1_460);
    expect(peer.transmit()).toMatchObject([{ sequence: own(1_460) }, { sequence: own(2_920) }]);
    peer.acknowledge(4 * 1_460);
    expect(peer.transmit()).toEqual([]);
    peer.ticks(500);
    expect(peer.transmit()).toEqual([]);
  });

  it("does not repeat what the guest had after all", () => {
    const peer = Peer.established();
    peer.connection.send(Buffer.alloc(4 * 1_460));
    peer.transmit();
    peer.ticks(4);
    peer.transmit();
    peer.acknowledge(4 * 1_460);
    peer.connection.send(Buffer.from("next"));
    expect(peer.transmit()).toMatchObject([{ sequence: own(4 * 1_460), payload: Buffer.from("next") }]);
  });

  it("repairs holes at once when the guest says three times what it misses", () => {
    const peer = Peer.established();
    peer.connection.send(Buffer.alloc(6 * 1_460));
    peer.transmit();
    for (let i = 0; i < 3; i++) peer.acknowledge(0);
    expect(peer.transmit()).toMatchObject([{ sequence: own(0) }]);
    peer.acknowledge(2 * 1_460);
    expect(peer.transmit()).toMatchObject([{ sequence: own(2 * 1_460) }]);
    peer.acknowledge(6 * 1_460);
    expect(peer.transmit()).toEqual([]);
  });

  it("waits while the link is full instead of repeating", () => {
    const peer = Peer.established();
    peer.connection.send(Buffer.from("data"));
    peer.transmit();
    peer.hasRoom = false;
    peer.ticks(1_000);
    peer.hasRoom = true;
    expect(peer.transmit()).toEqual([]);
  });

  it("does not believe an acknowledgement of what it never sent", () => {
    const peer = Peer.established();
    peer.connection.send(Buffer.from("data"));
    peer.transmit();
    peer.acknowledge(5);
    expect(peer.transmit()).toMatchObject([{ flags: ack, sequence: own(4) }]);
    expect(peer.connection.sendingBytes).toBe(4);
  });
});

describe("closing", () => {
  it("lets the guest end its side and still sends", () => {
    const peer = Peer.established();
    peer.say("last words", fin);
    expect(peer.events).toContain("readable");
    expect(peer.takeText()).toBe("last words");
    expect(peer.connection.readFinished).toBe(true);
    expect(peer.transmit()).toMatchObject([{ flags: ack, acknowledgement: peer.sequence }]);
    peer.connection.send(Buffer.from("answer"));
    peer.connection.end();
    expect(peer.transmit()).toMatchObject([{ flags: ack | psh | fin, payload: Buffer.from("answer") }]);
    expect(peer.gone).toBe(false);
    peer.acknowledge(7);
    expect(peer.events.at(-1)).toBe("finished");
    expect(peer.gone).toBe(true);
  });

  it("ends its own side and still receives", () => {
    const peer = Peer.established();
    peer.connection.end();
    expect(peer.transmit()).toMatchObject([{ flags: ack | fin, sequence: own(0) }]);
    peer.acknowledge(1);
    expect(peer.events).toContain("finished");
    peer.receive({ flags: ack, acknowledgement: own(1), payload: Buffer.from("more") });
    expect(peer.takeText()).toBe("more");
    expect(peer.gone).toBe(false);
  });

  it("repeats a lost FIN", () => {
    const peer = Peer.established();
    peer.connection.send(Buffer.from("bye"));
    peer.connection.end();
    peer.transmit();
    peer.ticks(4);
    expect(peer.transmit()).toMatchObject([{ flags: ack | psh | fin, sequence: own(0), payload: Buffer.from("bye") }]);
  });

  it("does not take an end before what precedes it", () => {
    const peer = Peer.established();
    peer.receive({ flags: ack | fin, acknowledgement: own(0) }, 5);
    expect(peer.connection.readFinished).toBe(false);
    expect(peer.transmit()).toMatchObject([{ acknowledgement: peer.sequence }]);
  });

  it("tells the user of a reset, but only of one that is exactly in sequence", () => {
    const peer = Peer.established();
    peer.receive({ flags: rst }, 10);
    expect(peer.transmit()).toMatchObject([{ flags: ack }]);
    peer.receive({ flags: rst }, -1_000_000);
    expect(peer.transmit()).toEqual([]);
    expect(peer.gone).toBe(false);
    peer.receive({ flags: rst });
    expect(peer.events.at(-1)).toBe("reset");
    expect(peer.gone).toBe(true);
  });

  it("asks back when a SYN appears on an open connection", () => {
    const peer = Peer.established();
    peer.receive({ flags: syn }, 1_000);
    expect(peer.transmit()).toMatchObject([{ flags: ack, acknowledgement: peer.sequence }]);
    expect(peer.gone).toBe(false);
  });

  it("resets what the application abandons before its end", () => {
    const peer = Peer.established();
    peer.connection.send(Buffer.from("half"));
    peer.transmit();
    peer.connection.detach();
    expect(peer.gone).toBe(true);
    expect(peer.transmit()).toMatchObject([{ flags: rst | ack, sequence: own(4) }]);
  });

  it("waits for the guest's end when the application has left in good order", () => {
    const peer = Peer.established();
    peer.connection.end();
    peer.transmit();
    peer.acknowledge(1);
    peer.connection.detach();
    expect(peer.gone).toBe(false);
    peer.receive({ flags: ack | fin, acknowledgement: own(1) });
    expect(peer.transmit()).toMatchObject([{ flags: ack, acknowledgement: sequenceAdd(peer.sequence, 1) }]);
    expect(peer.gone).toBe(true);
  });

  it("resets a guest that sends to an application that has left", () => {
    const peer = Peer.established();
    peer.connection.end();
    peer.transmit();
    peer.acknowledge(1);
    peer.connection.detach();
    peer.receive({ flags: ack, acknowledgement: own(1), payload: Buffer.from("?") });
    expect(peer.gone).toBe(true);
    expect(peer.transmit()).toMatchObject([{ flags: rst | ack }]);
  });

  it("does not wait for ever for the guest's end", () => {
    const peer = Peer.established();
    peer.connection.end();
    peer.transmit();
    peer.acknowledge(1);
    peer.connection.detach();
    peer.ticks(80);
    expect(peer.gone).toBe(true);
  });
});
