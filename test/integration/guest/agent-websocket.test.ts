import { beforeAll, describe, expect, it } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import { FakeHost, frameOf } from "./fake-host.ts";
import { AgentProcess, buildAgent, VARIANTS } from "./guest-harness.ts";

const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];
const CAT = ["cat"];
const stdin = (text: string) => Buffer.concat([Buffer.of(0, 0), Buffer.from(text)]);
const isData = (text: string) => (opcode: number, payload: Buffer) =>
  opcode === BINARY && payload.toString("latin1") === `\0\x01${text}`;

describe.each(VARIANTS)("the websocket of the %s agent", (variant) => {
  let program: string;
  beforeAll(async () => {
    program = await buildAgent(variant);
  });

  async function open(options: Parameters<typeof FakeHost.start>[1] = {}) {
    await using scope = new Scope();
    const host = scope.use(await FakeHost.start(CAT, options));
    const agent = scope.use(await AgentProcess.start(program, { url: host.url }));
    const line = await host.line;
    const owned = scope.move();
    return { line, agent, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
  }

  it("heeds what comes in one piece with the end of the handshake", async () => {
    await using guest = await open({ greeting: frameOf(BINARY, stdin("early")) });
    await guest.line.frame(isData("early"));
  });

  it("puts a message together, with a ping in the middle of it, byte by byte", async () => {
    await using guest = await open();
    const frames = Buffer.concat([
      frameOf(BINARY, stdin("one "), { final: false }),
      frameOf(PING, "are you there"),
      frameOf(CONTINUATION, "two ", { final: false }),
      frameOf(CONTINUATION, ""),
      frameOf(BINARY, stdin("x".repeat(300))),
    ]);
    for (const byte of frames) guest.line.socket.write(Buffer.of(byte));
    expect((await guest.line.frame((opcode) => opcode === PONG)).toString()).toBe("are you there");
    const typed = `one two ${"x".repeat(300)}`;
    await guest.line.frame(() => {
      const shown = guest.line.frames.filter(({ opcode, payload }) => opcode === BINARY && payload[0] === 0);
      return Buffer.concat(shown.map(({ payload }) => payload.subarray(2))).toString() === typed;
    });
  });

  it("ends when the host closes it, and answers that", async () => {
    await using guest = await open();
    guest.line.socket.write(frameOf(CLOSE, Buffer.of(3, 232)));
    expect((await guest.line.frame((opcode) => opcode === CLOSE)).readUInt16BE(0)).toBe(1_000);
    await guest.line.closed;
  });

  it.each([
    ["masked", frameOf(BINARY, stdin("a"), { masked: true }), 1_002],
    ["of an extension", frameOf(BINARY, stdin("a"), { reserved: 4 }), 1_002],
    ["text", frameOf(TEXT, "hello"), 1_003],
    ["of an unknown opcode", frameOf(5, "hello"), 1_002],
    ["a continuation of nothing", frameOf(CONTINUATION, "hello"), 1_002],
    [
      "a message in the middle of another",
      Buffer.concat([frameOf(BINARY, "a", { final: false }), frameOf(BINARY, "b")]),
      1_002,
    ],
    ["a ping in parts", frameOf(PING, "a", { final: false }), 1_002],
    ["a long ping", frameOf(PING, "a".repeat(126)), 1_002],
    ["too long", frameOf(BINARY, stdin("a".repeat(20_480))), 1_009],
    ["longer than any", Buffer.from("827fffffffffffffffff", "hex"), 1_009],
    [
      "too long in parts",
      Buffer.concat([
        frameOf(BINARY, stdin("a".repeat(16_000)), { final: false }),
        frameOf(CONTINUATION, "a".repeat(16_000)),
      ]),
      1_009,
    ],
    ["no message of a shell", frameOf(BINARY, "\x02what"), 1_002],
    ["empty", frameOf(BINARY, ""), 1_002],
    ["an acknowledgement of what was not sent", frameOf(BINARY, Buffer.of(1, 1, 0, 0, 0, 1)), 1_002],
    [
      "more than the window",
      Buffer.concat(Array.from({ length: 64 }, () => frameOf(BINARY, stdin("a".repeat(16_384))))),
      1_002,
    ],
    ["something after the end", Buffer.concat([frameOf(BINARY, stdin("")), frameOf(BINARY, stdin("a"))]), 1_002],
  ])("breaks off when what comes is %s", async (_what, bytes, code) => {
    await using guest = await open();
    guest.line.socket.write(bytes);
    expect((await guest.line.frame((opcode) => opcode === CLOSE)).readUInt16BE(0)).toBe(code);
    await guest.line.closed;
  });

  it("is not opened by who does not speak the protocol", async () => {
    await using guest = await open({
      accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      greeting: frameOf(BINARY, stdin("early")),
    });
    await guest.line.closed;
    expect(guest.line.frames).toEqual([]);
    expect(guest.agent.stderr).toContain("where a websocket was to be opened");
  });
});
