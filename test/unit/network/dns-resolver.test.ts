import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GuestResolver, type GuestResolverOptions } from "../../../src/network/dns/guest-resolver.ts";
import { LocalRecords } from "../../../src/network/dns/local-records.ts";
import type { Upstream, UpstreamAnswer } from "../../../src/network/dns/upstream.ts";
import { UpstreamCache } from "../../../src/network/dns/upstream-cache.ts";
import type { EgressEntry } from "../../../src/network/egress/egress-entry.ts";
import { VirtualAddresses } from "../../../src/network/egress/virtual-addresses.ts";
import { AddressVetting } from "../../../src/network/policy/address-vetting.ts";
import { INTERNET, ISOLATED, type NetworkPolicy } from "../../../src/network/policy/network-policy.ts";
import { buildQuery, parseReply } from "../../fixtures/network/dns-client.ts";

/** Answers when the test says so. */
class FakeUpstream implements Upstream {
  readonly asked: string[] = [];
  disposed = false;
  readonly #waiting: ((answer: UpstreamAnswer) => void)[] = [];

  resolve(name: string, type: string): Promise<UpstreamAnswer> {
    this.asked.push(`${type} ${name}`);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** All that wait. */
  answer(answer: UpstreamAnswer): void {
    for (const resolve of this.#waiting.splice(0)) resolve(answer);
  }

  [Symbol.dispose](): void {
    this.disposed = true;
    this.answer({ kind: "failed", reason: "ECANCELLED" });
  }
}

function address(data: string, ttlSeconds: number): UpstreamAnswer {
  return { kind: "records", records: [{ type: "A", data, ttlSeconds }] };
}

const FOUND = address("93.184.216.34", 60);

interface Fixture extends Partial<GuestResolverOptions> {
  policyNow?: NetworkPolicy;
}

function start({ policyNow = INTERNET, ...options }: Fixture = {}) {
  const upstream = new FakeUpstream();
  const log: EgressEntry[] = [];
  const machine = { policy: policyNow };
  const resolver = new GuestResolver({
    records: new LocalRecords({ hosts: {}, srv: [] }),
    upstream,
    policy: () => machine.policy,
    vetting: new AddressVetting(() => []),
    virtual: new VirtualAddresses(),
    log: { note: (entry) => log.push(entry) },
    ...options,
  });
  return { upstream, log, machine, resolver };
}

async function statusOf(reply: Promise<Buffer | undefined>): Promise<number | undefined> {
  const bytes = await reply;
  return bytes === undefined ? undefined : parseReply(bytes).status;
}

describe("GuestResolver", () => {
  it("answers a question from upstream and tells the egress log", async () => {
    const { resolver, upstream, log } = start();
    const reply = resolver.answer(buildQuery("Example.ORG"), "udp");
    upstream.answer(FOUND);
    const { answers, questions, flag_aa } = parseReply((await reply) ?? Buffer.alloc(0));
    expect(questions).toMatchObject([{ name: "Example.ORG" }]);
    expect(answers).toMatchObject([{ type: "A", name: "Example.ORG", data: "93.184.216.34", ttl: 60 }]);
    expect(flag_aa).toBe(false);
    expect(upstream.asked).toEqual(["A example.org"]);
    const addresses = ["93.184.216.34"];
    expect(log).toEqual([{ kind: "dns", decision: "allowed", name: "example.org", addresses, reason: "A NOERROR" }]);
  });

  it("goes by the policy as it is when the question comes", async () => {
    const { resolver, machine, log } = start({ policyNow: ISOLATED });
    expect(await statusOf(resolver.answer(buildQuery("a.org", { type: 65 }), "udp"))).toBe(5);
    expect(log).toMatchObject([{ decision: "refused", reason: "TYPE65 REFUSED: policy", addresses: [] }]);
    expect(resolver.stats.refused).toBe(1);
    machine.policy = { kind: "allow", rules: [{ name: "a.org", ports: [80] }] };
    const reply = resolver.answer(buildQuery("a.org"), "udp");
    resolver[Symbol.dispose]();
    expect(await statusOf(reply)).toBe(2);
  });

  it("sends a long answer whole by TCP, and cut by UDP", async () => {
    const { resolver, upstream } = start();
    const data = [Buffer.alloc(255, "x")];
    const records = Array.from({ length: 20 }, () => ({ type: "TXT", data, ttlSeconds: 60 }) as const);
    const query = buildQuery("a.org", { type: 16 });
    const replies = [resolver.answer(query, "udp"), resolver.answer(query, "tcp")];
    upstream.answer({ kind: "records", records });
    const [udp, tcp] = (await Promise.all(replies)).map((bytes) => parseReply(bytes ?? Buffer.alloc(0)));
    expect(udp?.flag_tc).toBe(true);
    expect(udp?.answers).toHaveLength(1);
    expect(tcp?.flag_tc).toBe(false);
    expect(tcp?.answers).toHaveLength(20);
  });

  it("does not answer what is no query", async () => {
    const { resolver, log } = start();
    expect(await resolver.answer(Buffer.alloc(11), "udp")).toBeUndefined();
    expect(await resolver.answer(Buffer.alloc(64, 0xff), "udp")).toBeUndefined();
    expect(log).toEqual([]);
  });

  it("answers 400 queries at once and 200 a second, and counts the others", async () => {
    let nowMs = 0;
    const { resolver } = start({ policyNow: ISOLATED, nowMs: () => nowMs });
    const answered = async (queries: number) => {
      const all = Array.from({ length: queries }, () => resolver.answer(buildQuery("a.org"), "udp"));
      return (await Promise.all(all)).filter((reply) => reply !== undefined).length;
    };
    expect(await answered(500)).toBe(400);
    expect(resolver.stats.rateLimited).toBe(100);
    nowMs += 500;
    expect(await answered(500)).toBe(100);
  });

  it("lets 128 questions wait for upstream, fails more, and takes them again afterwards", async () => {
    const { resolver, upstream } = start();
    const waiting = Array.from({ length: 128 }, (_, index) => resolver.answer(buildQuery(`a${index}.org`), "udp"));
    expect(await statusOf(resolver.answer(buildQuery("b.org"), "udp"))).toBe(2);
    expect(resolver.stats.overloaded).toBe(1);
    expect(upstream.asked).toHaveLength(128);
    upstream.answer(FOUND);
    expect(await Promise.all(waiting.map(statusOf))).toEqual(waiting.map(() => 0));
    const later = resolver.answer(buildQuery("b.org"), "udp");
    upstream.answer(FOUND);
    expect(await statusOf(later)).toBe(0);
  });

  it("fails what waits when it is disposed, and then answers nothing", async () => {
    const { resolver, upstream } = start();
    const waiting = resolver.answer(buildQuery("a.org"), "udp");
    resolver[Symbol.dispose]();
    expect(await statusOf(waiting)).toBe(2);
    expect(upstream.disposed).toBe(true);
    expect(await resolver.answer(buildQuery("metadata.boxcar.internal"), "udp")).toBeUndefined();
  });

  it("takes any bytes under any policy, and answers within the limits", async () => {
    const whole = buildQuery("a.example.org", { udpPayloadSize: 1_232 });
    const changed = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 })
      .map((changes) => changes.reduce((bytes, [at, value]) => bytes.fill(value, at, at + 1), Buffer.from(whole)));
    const garbage = fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes));
    const answers = fc.constantFrom<UpstreamAnswer>(FOUND, { kind: "no-such-name" }, address("10.0.0.1", 1));
    const allow: NetworkPolicy = { kind: "allow", rules: [{ name: "*.org", ports: [80] }] };
    const policies = fc.constantFrom<NetworkPolicy>(ISOLATED, allow, INTERNET);
    await fc.assert(
      fc.asyncProperty(fc.oneof(changed, garbage), answers, policies, async (message, found, policyNow) => {
        const { resolver, upstream } = start({ policyNow });
        const reply = resolver.answer(message, "udp");
        upstream.answer(found);
        const bytes = await reply;
        expect(bytes === undefined || parseReply(bytes).flag_qr).toBe(true);
        expect(bytes?.length ?? 0).toBeLessThanOrEqual(1_232);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("UpstreamCache", () => {
  function startCache() {
    const clock = { nowMs: 0 };
    const upstream = new FakeUpstream();
    const cache = new UpstreamCache(upstream, () => clock.nowMs);
    /** Asks, and lets upstream answer if it is asked. */
    const resolve = (name: string, found: UpstreamAnswer = FOUND) => {
      const answer = cache.resolve(name, "A");
      upstream.answer(found);
      return answer;
    };
    return { clock, upstream, cache, resolve };
  }

  it("keeps an answer for its time, which passes", async () => {
    const { clock, upstream, resolve } = startCache();
    expect(await resolve("a.org")).toEqual(FOUND);
    clock.nowMs = 20_000;
    expect(await resolve("a.org")).toEqual(address("93.184.216.34", 40));
    expect(upstream.asked).toHaveLength(1);
    clock.nowMs = 60_000;
    expect(await resolve("a.org", address("93.184.216.35", 60))).toEqual(address("93.184.216.35", 60));
    expect(upstream.asked).toHaveLength(2);
  });

  it("keeps nothing for longer than five minutes, and for the shortest time of its records", async () => {
    const { resolve } = startCache();
    expect(await resolve("a.org", address("93.184.216.34", 86_400))).toEqual(address("93.184.216.34", 300));
    const records = [10, 20].map((ttlSeconds) => ({ type: "A", data: "93.184.216.34", ttlSeconds }) as const);
    expect(await resolve("b.org", { kind: "records", records })).toMatchObject({
      records: [{ ttlSeconds: 10 }, { ttlSeconds: 10 }],
    });
  });

  it("keeps for ten seconds that there is none, and failures not at all", async () => {
    const { clock, upstream, resolve } = startCache();
    await resolve("a.org", { kind: "no-such-name" });
    clock.nowMs = 9_999;
    expect(await resolve("a.org")).toEqual({ kind: "no-such-name" });
    clock.nowMs = 10_000;
    expect(await resolve("a.org", { kind: "failed", reason: "ETIMEOUT" })).toMatchObject({ kind: "failed" });
    expect(await resolve("a.org")).toEqual(FOUND);
    expect(upstream.asked).toHaveLength(3);
  });

  it("does not keep what may not be kept or is large", async () => {
    const { upstream, resolve } = startCache();
    const large: UpstreamAnswer = {
      kind: "records",
      records: [{ type: "TXT", data: Array.from({ length: 20 }, () => Buffer.alloc(255)), ttlSeconds: 60 }],
    };
    for (const found of [address("93.184.216.34", 0), large]) {
      await resolve("a.org", found);
      await resolve("a.org", found);
    }
    expect(upstream.asked).toHaveLength(4);
  });

  it("asks once what is wanted several times at once, and by type", async () => {
    const { upstream, cache } = startCache();
    const all = [cache.resolve("a.org", "A"), cache.resolve("a.org", "A"), cache.resolve("a.org", "TXT")];
    expect(upstream.asked).toEqual(["A a.org", "TXT a.org"]);
    upstream.answer(FOUND);
    expect(await Promise.all(all)).toEqual([FOUND, FOUND, FOUND]);
  });

  it("forgets the oldest of more than 256", async () => {
    const { upstream, resolve } = startCache();
    for (let index = 0; index <= 256; index++) await resolve(`a${index}.org`);
    await resolve("a1.org");
    expect(upstream.asked).toHaveLength(257);
    await resolve("a0.org");
    expect(upstream.asked).toHaveLength(258);
  });

  it("asks 400 questions at once and 200 a second, whoever has them; what it knows costs nothing", async () => {
    const { clock, upstream, cache, resolve } = startCache();
    for (let index = 0; index < 400; index++) await resolve(`a${index}.org`);
    expect(await resolve("b.org")).toEqual({ kind: "failed", reason: "too many questions in too short a time" });
    expect(await resolve("a399.org")).toEqual(FOUND);
    expect(upstream.asked).toHaveLength(400);
    clock.nowMs = 1_000;
    const questions = Array.from({ length: 300 }, (_, index) => cache.resolve(`c${index}.org`, "A"));
    upstream.answer(FOUND);
    await Promise.all(questions);
    expect(upstream.asked).toHaveLength(600);
  });
});
