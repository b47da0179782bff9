/** Machines that stay, in the page: which there are, one of them, and the one that a failed run has kept. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import type { ApiVm } from "../../src/generated/api.ts";
import { launchChromium } from "./chromium.ts";
import { Dashboard, VIEWPORTS } from "./dashboard.ts";
import { startFleet } from "./fleet.ts";
import { DEV, machineAnswers, RESUMED, SAVED_REPORT, SUBMITTER, VMS } from "./machine-views.ts";
import { VIEWER } from "./operator-views.ts";
import { serveShell } from "./shell-peer.ts";
import { Refusal, type ViewServer } from "./view-server.ts";
import { DETAILS, SESSION } from "./views.ts";

let browser: Browser;
let server: ViewServer;
/** Of each console that was opened, the newest last. */
let consoles: { client: WebSocket; query: string }[] = [];

/** Two cores may have much else to do. */
const WAIT = { timeout: 20_000 };

const BOOT = [
  "[    0.000000] Linux version 6.1.0-37-cloud-amd64",
  "[    0.412003] Run /init as init process",
  "\x1b[32mDebian GNU/Linux 12 dev ttyS0\x1b[0m",
  "",
  "dev login: ",
].join("\r\n");

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startFleet(await machineAnswers())]);
  for (const { id } of VMS) {
    server.sockets.set(`/vms/${id}/shell`, (client) =>
      serveShell(client, { sizes: [], mostOpenBytes: 0, typedBytes: 0 }),
    );
    server.sockets.set(`/vms/${id}/console`, (client, query) => {
      consoles.push({ client, query: String(query) });
      client.send(Buffer.from(BOOT));
      client.on("message", (data: Buffer) => client.send(data));
    });
  }
});

beforeEach(() => {
  consoles = [];
  server.sent.length = 0;
  server.answers["/session"] = SESSION;
  server.answers["/vms"] = VMS;
  server.answers[`/vms/${DEV.id}`] = DEV;
  server.answers[RUN] = SAVED_REPORT;
});

afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

const RUN = `/tasks/${DETAILS.taskId}/runs/1`;
const [, paused, , stopped, broken] = VMS;

type Variant = { viewport: keyof typeof VIEWPORTS; theme: "light" | "dark" };

const VARIANTS = (Object.keys(VIEWPORTS) as (keyof typeof VIEWPORTS)[]).flatMap((viewport) =>
  (["light", "dark"] as const).map((theme): Variant => ({ viewport, theme })),
);
/** Of pages that are much like others. */
const EXTREMES: readonly Variant[] = [
  { viewport: "desktop", theme: "light" },
  { viewport: "phone", theme: "dark" },
];

const PAGES: Readonly<Record<string, { path: string; sign: string; variants?: readonly Variant[] }>> = {
  machines: { path: "/machines", sign: ".vm" },
  "machine-terminal": { path: `/machines/${DEV.id}`, sign: ".dot.open" },
  "machine-console": { path: `/machines/${DEV.id}/console`, sign: ".xterm-rows span", variants: EXTREMES },
  "machine-paused": { path: `/machines/${paused?.id}`, sign: ".empty", variants: EXTREMES.slice(0, 1) },
  "machine-stopped": { path: `/machines/${stopped?.id}`, sign: ".empty", variants: EXTREMES.slice(1) },
  "machine-broken": { path: `/machines/${broken?.id}`, sign: ".empty", variants: EXTREMES.slice(0, 1) },
  "task-saved": { path: RUN, sign: ".notice.saved" },
};

describe.each(Object.entries(PAGES))("the page %s", (name, { path, sign, variants = VARIANTS }) => {
  it.each(variants)("has no fault on a $viewport, $theme", async ({ viewport, theme }) => {
    await using dashboard = await Dashboard.open(browser, server.origin, path, { viewport, theme });
    const { page, faults } = dashboard;
    await page.locator(sign).first().waitFor();
    await dashboard.picture(`${name}-${viewport}-${theme}`, { fullPage: true });
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    const { scrollWidth, innerWidth } = await page.evaluate(() => ({
      scrollWidth: document.documentElement.scrollWidth,
      innerWidth: window.innerWidth,
    }));
    expect(scrollWidth).toBeLessThanOrEqual(innerWidth);
    expect(faults).toEqual([]);
  });
});

/** What is said of a machine that an answer of the server changes. */
function become(vm: ApiVm): void {
  server.answers[`/vms/${vm.id}`] = vm;
  server.answers["/vms"] = VMS.map((each) => (each.id === vm.id ? vm : each));
}

function rows(page: Page): Promise<string> {
  return page.locator(".xterm-rows").evaluate((all) => [...all.children].map((row) => row.textContent).join("\n"));
}

describe("the list of machines", () => {
  it("is a key away, follows what happens, and says so where there is none", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/tasks");
    const { page, faults } = dashboard;
    await page.keyboard.type("gm");
    await page.getByRole("heading", { name: "Machines" }).waitFor();
    const dev = page.getByRole("article", { name: "dev" });
    await dev.getByText("running", { exact: true }).waitFor();
    become({ ...DEV, state: "paused" });
    server.tell("machine", { workerId: "host-1", machine: DEV.id, change: "changed", state: "paused" });
    await dev.getByText("paused", { exact: true }).waitFor();
    server.answers["/vms"] = [];
    server.tell("machine", { workerId: "host-1", machine: DEV.id, change: "removed", state: "stopped" });
    await page.getByText("boxcar vm run --name dev").waitFor();
    expect(faults).toEqual([]);
  });
});

describe("the page of a machine", () => {
  it("pauses it, has it go on, stops and removes it", async () => {
    server.answers[`POST /vms/${DEV.id}/pause`] = () => become({ ...DEV, state: "paused" }) ?? DEV;
    server.answers[`POST /vms/${DEV.id}/resume`] = () => become(DEV) ?? DEV;
    server.answers[`POST /vms/${DEV.id}/stop`] = () => become({ ...DEV, state: "stopped" }) ?? DEV;
    server.answers[`DELETE /vms/${DEV.id}`] = null;
    await using dashboard = await Dashboard.open(browser, server.origin, `/machines/${DEV.id}/console`);
    const { page, faults } = dashboard;
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("button", { name: "Stop …" }).click();
    await dashboard.picture("machine-stop-desktop-light");
    await page.getByRole("button", { name: "Shut it down" }).click();
    await page.getByText("It does not run.").waitFor();
    await page.getByRole("button", { name: "Remove …" }).click();
    await page.getByRole("button", { name: "Remove it" }).click();
    await page.getByRole("heading", { name: "Machines" }).waitFor();
    const changes = server.sent.filter(({ path }) => !path.endsWith("/links"));
    expect(changes.map(({ method, path, body }) => [method, path.replace(`/vms/${DEV.id}`, ""), body])).toEqual([
      ["POST", "/pause", {}],
      ["POST", "/resume", {}],
      ["POST", "/stop", { force: false }],
      ["DELETE", "", {}],
    ]);
    expect(faults).toEqual([]);
  });

  it("has its console to type into, or to look at", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, `/machines/${DEV.id}/console`);
    const { page, faults } = dashboard;
    await expect.poll(() => rows(page), WAIT).toMatch(/dev login:/);
    await page.keyboard.type("root");
    await expect.poll(() => rows(page), WAIT).toMatch(/dev login: root/);
    await page.getByRole("button", { name: "View only" }).click();
    await expect.poll(() => consoles.at(-1)?.query, WAIT).toBe("mode=view");
    expect(consoles[0]?.query).toBe("ticket=t");
    consoles.at(-1)?.client.close(1000, "the machine has ended");
    await expect.poll(() => rows(page), WAIT).toMatch(/\[the machine has ended\]/);
    await page.getByRole("button", { name: "Connect again" }).click();
    await expect.poll(() => consoles.length, WAIT).toBe(3);
    expect(faults).toEqual([]);
  });

  it("asks the worker that has it, and says what that answers", async () => {
    const asked: unknown[] = [];
    server.answers[`/vms/${DEV.id}`] = (query: unknown) => {
      asked.push(query);
      return new Refusal(404, "vm-not-found", "there is no machine there any more");
    };
    await using dashboard = await Dashboard.open(browser, server.origin, `/machines/${DEV.id}?worker=host-2`);
    await dashboard.page.getByText("there is no machine there any more").waitFor();
    expect(asked[0]).toEqual({ worker: "host-2" });
  });

  it("is to be looked at by who may not use it", async () => {
    server.answers["/session"] = VIEWER;
    await using dashboard = await Dashboard.open(browser, server.origin, `/machines/${DEV.id}`);
    const { page, faults } = dashboard;
    await page.getByText("You may not have a shell in this machine.").waitFor();
    expect(await page.getByRole("button", { name: /Pause|Stop|Remove/ }).count()).toBe(0);
    await page.getByRole("link", { name: "Console" }).click();
    await expect.poll(() => consoles.at(-1)?.query, WAIT).toBe("mode=view");
    expect(await page.getByRole("button", { name: "Take control" }).count()).toBe(0);
    expect(server.sent).toEqual([]);
    expect(faults).toEqual([]);
  });
});

describe("the machine that a failed run has kept", () => {
  it("is resumed by who submitted the task, and is his to use", async () => {
    server.answers["/session"] = SUBMITTER;
    await using dashboard = await Dashboard.open(browser, server.origin, RUN);
    const { page, faults } = dashboard;
    await page.getByRole("button", { name: "Resume the machine" }).click();
    await page.getByRole("heading", { name: RESUMED.name ?? "" }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/machines/${RESUMED.id}`);
    expect(server.sent[0]).toMatchObject({ method: "POST", path: `${RUN}/resume` });
    await page.locator(".dot.open").waitFor();
    await page.getByRole("button", { name: "Remove …" }).waitFor();
    expect(faults).toEqual([]);
  });

  it("is not there for a run that has kept none", async () => {
    server.answers[RUN] = { ...SAVED_REPORT, saved: undefined, checkpoints: [] };
    await using dashboard = await Dashboard.open(browser, server.origin, RUN);
    await dashboard.page.getByRole("heading", { name: "Phases" }).waitFor();
    expect(await dashboard.page.getByText("Resume the machine").count()).toBe(0);
    expect(await dashboard.page.getByText("Checkpoints").count()).toBe(0);
  });
});
