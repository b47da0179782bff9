/** The display of a real machine, as those who look at it have it. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { MAX_VIEWERS } from "../../../src/worker/run-machine.ts";
import { MachineService, RUN, SUBMITTER } from "./machine-service.ts";
import { RfbViewer } from "./rfb-viewer.ts";

const OPERATOR = "olga:operator";
const VIEWER = "vera:viewer";
const INTERACTIVE = { shell: true, display: true, keepAfterMs: undefined };

let service: MachineService;

beforeAll(async () => {
  service = await MachineService.start({ interactive: INTERACTIVE });
  await vi.waitFor(() => expect(service.vm.console.tail).toContain("!"), 20_000);
});

afterAll(() => service[Symbol.asyncDispose]());

async function look(query: string, as?: string): Promise<RfbViewer> {
  return await RfbViewer.open(service.connect(`${RUN}/display${query}`, as === undefined ? {} : { as }));
}

async function linkFor(as: string, body: object): Promise<string> {
  const { json } = await service.ask("/links", { as, method: "POST", body });
  return (json as { ticket: string }).ticket;
}

async function close(...viewers: RfbViewer[]): Promise<void> {
  for (const { client } of viewers) client.close();
  await Promise.all(viewers.map(({ closed }) => closed));
  await vi.waitFor(() => expect(service.machine.viewers).toBe(0));
}

describe("the display of a machine", () => {
  it("is seen, and changes when somebody types", async () => {
    const viewer = await look("?mode=control", OPERATOR);
    expect(viewer.client.protocol).toBe("binary");
    viewer.ask({ incremental: false });
    expect(await viewer.update()).toBeGreaterThan(0);
    viewer.ask();
    viewer.type("k");
    expect(await viewer.update()).toBeGreaterThan(0);
    await vi.waitFor(() => expect(service.typed).toContain("k"));
    await close(viewer);
  });

  it("takes nothing from who only views, whatever he sends", async () => {
    const before = service.typed.length;
    const [viewer, controller] = await Promise.all([look("", VIEWER), look("?mode=control", OPERATOR)]);
    viewer.type("v");
    // Keys as QEMU has them, the pointer, a clipboard, another size of the screen.
    viewer.send(255, 0, 0, 1, 0, 0, 0, 118, 0, 0, 0, 47);
    viewer.send(5, 1, 0, 1, 0, 1);
    viewer.send(6, 0, 0, 0, 0, 0, 0, 1, 118);
    viewer.send(251, 0, 1, 0, 1, 0, 1, 0, ...new Array<number>(16).fill(0));
    // It is answered after all that.
    viewer.ask({ incremental: false });
    await viewer.update();
    controller.type("c");
    await vi.waitFor(() => expect(service.typed.slice(before)).toContain("c"));
    expect(service.typed.slice(before)).not.toContain("v");
    await close(viewer, controller);
  });

  it("ends for who wants another format again and again, which costs the machine each time", async () => {
    const viewer = await look("", VIEWER);
    const format = [0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
    for (let n = 0; n < 1_000; n++) viewer.send(...format);
    await expect(viewer.closed).resolves.toMatchObject({ code: 1_008 });
  });

  it("ends for who sends what is no RFB", async () => {
    for (const bytes of [Buffer.of(250, 0, 1, 2), Buffer.of(99)]) {
      const viewer = await look("", VIEWER);
      viewer.client.send(bytes);
      await expect(viewer.closed).resolves.toMatchObject({ code: 1_008 });
    }
    const rude = RfbViewer.listen(service.connect(`${RUN}/display`, { as: VIEWER }));
    await once(rude.client, "open");
    rude.client.send("RFB 003.008\n");
    await expect(rude.closed).resolves.toEqual({ code: 1_008, reason: "messages of a display are binary" });
  });

  it(`is for ${MAX_VIEWERS} at once`, async () => {
    const viewers = await Promise.all(Array.from({ length: MAX_VIEWERS }, () => look("", VIEWER)));
    expect(service.machine.viewers).toBe(MAX_VIEWERS);
    const late = RfbViewer.listen(service.connect(`${RUN}/display`, { as: VIEWER }));
    await expect(late.closed).resolves.toMatchObject({ code: 1_013, reason: expect.stringContaining("close one") });
    await close(...viewers);
  });

  it("waits for a viewer that is slow, and nobody else does", async () => {
    const opened = vi.spyOn(service.machine, "openDisplay");
    const slow = await look("", VIEWER);
    const display = await (opened.mock.results[0]?.value as Promise<Socket>);
    slow.client.pause();
    await vi.waitFor(
      () => {
        slow.ask({ incremental: false });
        expect(display.isPaused()).toBe(true);
      },
      { timeout: 20_000, interval: 10 },
    );
    const quick = await look("", VIEWER);
    quick.ask({ incremental: false });
    await quick.update();
    expect(display.isPaused()).toBe(true);
    slow.client.resume();
    await vi.waitFor(() => expect(display.isPaused()).toBe(false));
    slow.client.pause();
    slow.client.terminate();
    await close(slow, quick);
    opened.mockRestore();
  });

  it("is remembered, with who, how and how long", async () => {
    service.events.length = 0;
    const ticket = await linkFor(OPERATOR, { kind: "display", mode: "control" });
    await close(await look(`?ticket=${ticket}`));
    const target = "tasks/a-task/runs/0";
    const principal = { name: "olga", role: "operator", via: "ticket" };
    await vi.waitFor(() => expect(service.events).toHaveLength(2));
    expect(service.events).toMatchObject([
      { action: "display.begin", principal, target, outcome: "ok", details: { mode: "control" } },
      { action: "display.end", principal, target, details: { mode: "control", durationSeconds: expect.any(Number) } },
    ]);
    expect(JSON.stringify(service.events)).not.toContain(ticket);
  });
});

describe("who may see or use a display", () => {
  it.each([
    ["nobody", undefined, "", 401, "unauthenticated"],
    ["a viewer who wants to type", VIEWER, "?mode=control", 403, "forbidden"],
    ["a submitter of another task", "sam:submitter", "?mode=control", 403, "forbidden"],
    ["a link that never was", undefined, "?ticket=never", 403, "link-not-valid"],
    ["an unknown mode", OPERATOR, "?mode=own", 400, "bad-request"],
  ])("is not %s", async (_who, as, query, status, code) => {
    const refusal = service.refusal(`${RUN}/display${query}`, as === undefined ? {} : { as });
    await expect(refusal).resolves.toEqual({ status, code });
  });

  it("is not a page of another host", async () => {
    const options = { as: OPERATOR, origin: "https://elsewhere.example" };
    await expect(service.refusal(`${RUN}/display`, options)).resolves.toMatchObject({ code: "wrong-origin" });
  });

  it("is who submitted the task, if that is interactive", async () => {
    await close(await look("?mode=control", `${SUBMITTER}:submitter`));
    await using other = await MachineService.start();
    const refusal = other.refusal(`${RUN}/display?mode=control`, { as: `${SUBMITTER}:submitter` });
    await expect(refusal).resolves.toMatchObject({ code: "forbidden" });
  });

  it("is who has a link, once, for what it was made", async () => {
    const ticket = await linkFor(OPERATOR, { kind: "display" });
    // As it was made, whatever is asked for.
    const before = service.typed.length;
    const viewer = await look(`?ticket=${ticket}&mode=control`);
    viewer.type("x");
    viewer.ask({ incremental: false });
    await viewer.update();
    expect(service.typed.slice(before)).toBe("");
    await close(viewer);
    const used = await service.refusal(`${RUN}/display?ticket=${ticket}`);
    expect(used).toEqual({ status: 403, code: "link-not-valid" });
    const wrong = await linkFor(OPERATOR, { kind: "display" });
    for (const path of [`${RUN}/shell?ticket=${wrong}`, `${RUN}/display?ticket=${wrong}`]) {
      await expect(service.refusal(path)).resolves.toEqual(used);
    }
    const elsewhere = await linkFor(OPERATOR, { kind: "display" });
    const other = "/api/v1/tasks/a-task/runs/1/display";
    for (const path of [other, `${RUN}/display`]) {
      await expect(service.refusal(`${path}?ticket=${elsewhere}`)).resolves.toEqual(used);
    }
  });

  it("has a link only from who may use the machine himself", async () => {
    const body = { kind: "display" };
    for (const as of [VIEWER, "sam:submitter"]) {
      await expect(service.ask("/links", { as, method: "POST", body })).resolves.toMatchObject({ status: 403 });
    }
    const made = await service.ask("/links", { as: `${SUBMITTER}:submitter`, method: "POST", body });
    expect(made).toMatchObject({ status: 201, json: { path: expect.stringMatching(/^\/link#task=a-task&run=0&/) } });
  });

  it("is who has the secret of the run, from a page of any host", async () => {
    const base = `/api/v1/interactive/${service.shared.secret}`;
    const viewer = await RfbViewer.open(
      service.connect(`${base}/display?display=screen`, { origin: "https://tools.example" }),
    );
    const before = service.typed.length;
    viewer.type("s");
    await vi.waitFor(() => expect(service.typed.slice(before)).toBe("s"));
    await close(viewer);
    await expect(service.refusal("/api/v1/interactive/guessed/display")).resolves.toEqual({
      ...{ status: 404, code: "no-machine" },
    });
  });
});

describe("the screen of a machine", () => {
  it("is a picture, smaller where that is asked for, and not taken again for each who asks", async () => {
    const shots = vi.spyOn(service.vm, "screenshot");
    const asked = await Promise.all(
      ["/screen", "/screen", "/screen?width=200", "/displays"].map((path) => service.ask(path, { as: VIEWER })),
    );
    expect(shots).toHaveBeenCalledTimes(1);
    const [whole, again, small, displays] = asked;
    expect(whole?.headers["content-type"]).toBe("image/png");
    expect(whole?.content.subarray(1, 4).toString()).toBe("PNG");
    expect(again?.headers.etag).toBe(whole?.headers.etag);
    const [width, height] = [whole?.content.readUInt32BE(16), whole?.content.readUInt32BE(20)];
    expect(small?.content.readUInt32BE(16)).toBe(160);
    expect(displays?.json).toEqual([{ display: "screen", description: expect.any(String), width, height }]);
    const { etag } = whole?.headers ?? {};
    const known = await service.ask("/screen", { as: VIEWER, headers: { "If-None-Match": String(etag) } });
    // A cursor may have blinked meanwhile.
    expect([200, 304]).toContain(known.status);
    if (known.status === 200) expect(known.headers.etag).not.toBe(etag);
    shots.mockRestore();
  });

  it("is there for who has logged in, while there is a machine", async () => {
    await expect(service.ask("/screen")).resolves.toMatchObject({ status: 401 });
    const other = await service.ask("/../1/screen".replace("/..", ""), { as: VIEWER });
    expect(other.status).toBe(404);
  });

  it("is not there where the machine has no graphics", async () => {
    await using blind = await MachineService.start({ payload: { graphics: "none" } });
    const { status, json } = await blind.ask("/screen", { as: VIEWER });
    expect({ status, ...(json as object) }).toEqual({
      ...{ status: 404, code: "no-display", message: "this machine has no graphics, so no screen" },
    });
    await expect(blind.ask("/displays", { as: VIEWER })).resolves.toMatchObject({ status: 200, json: [] });
    await expect(blind.refusal(`${RUN}/display`, { as: VIEWER })).resolves.toMatchObject({ code: "no-display" });
  });
});

describe("the end of a machine", () => {
  it("is no reason to wait for a viewer who went before he saw anything", async () => {
    const client = service.connect(`${RUN}/display`, { as: VIEWER });
    await once(client, "open");
    service.events.length = 0;
    client.terminate();
    await vi.waitFor(() => expect(service.machine.viewers).toBe(0));
    await vi.waitFor(() => expect(service.events.at(-1)?.action).not.toBe("display.begin"));
  });

  it("ends its displays, which say why", async () => {
    await using other = await MachineService.start({ interactive: INTERACTIVE });
    const viewers = await Promise.all(
      ["", "?mode=control"].map(async (query) =>
        RfbViewer.open(other.connect(`${RUN}/display${query}`, { as: OPERATOR })),
      ),
    );
    other.vm.kill();
    for (const { closed } of viewers) {
      await expect(closed).resolves.toEqual({ code: 1_000, reason: "the machine has ended" });
    }
    await expect(other.refusal(`${RUN}/display`, { as: VIEWER })).resolves.toEqual({ status: 404, code: "no-machine" });
    const secret = `/api/v1/interactive/${other.shared.secret}/display`;
    await expect(other.refusal(secret)).resolves.toEqual({ status: 404, code: "no-machine" });
  });

  it("may be put off, or brought near, for an interactive task", async () => {
    const wait = service.machine.keptUntil;
    expect(wait).toBeUndefined();
    const asSubmitter = { as: `${SUBMITTER}:submitter`, method: "POST" };
    const kept = await service.ask("/keep", { ...asSubmitter, body: { for: "30 minutes" } });
    expect(kept).toMatchObject({ status: 200, json: { interactive: true, display: true, shell: false } });
    await expect(service.ask("/release", { ...asSubmitter, body: {} })).resolves.toMatchObject({ status: 200 });
    const forViewer = await service.ask("/release", { as: VIEWER, method: "POST", body: {} });
    expect(forViewer.status).toBe(403);
    await expect(service.ask("/keep", { ...asSubmitter, body: { for: "soon" } })).resolves.toMatchObject({
      ...{ status: 400, json: { details: [{ path: "for" }] } },
    });
    await using other = await MachineService.start();
    const plain = await other.ask("/keep", { as: OPERATOR, method: "POST", body: { for: 60 } });
    expect(plain).toMatchObject({ status: 409, json: { code: "not-interactive" } });
  });
});
