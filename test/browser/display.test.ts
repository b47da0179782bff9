/** The screen of a machine in the page: what the firmware of a real one shows, and what it does with keys. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import { launchChromium } from "./chromium.ts";
import { Dashboard } from "./dashboard.ts";
import { startFleet } from "./fleet.ts";
import { NOBODY, operatorAnswers, VIEWER } from "./operator-views.ts";
import { Refusal, type ViewServer } from "./view-server.ts";
import { RUNNING_DETAILS, RUNNING_REPORT, SESSION } from "./views.ts";
import { VncMachine } from "./vnc-machine.ts";

const RUN = `/tasks/${RUNNING_DETAILS.taskId}/runs/0`;
const TAB = `${RUN}/display`;

let browser: Browser;
let machine: VncMachine;
let server: ViewServer;
/** Of each connection, the newest last. */
let clients: { client: WebSocket; ticket: string | null; mode: string | null }[] = [];
let tickets = 0;

beforeAll(async () => {
  [browser, machine, server] = await Promise.all([
    launchChromium(),
    VncMachine.start(),
    startFleet(await operatorAnswers()),
  ]);
  server.sockets.set(`${RUN}/display`, (client, query) => {
    clients.push({ client, ticket: query.get("ticket"), mode: query.get("mode") });
    machine.serve(client);
  });
});

beforeEach(() => {
  clients = [];
  server.sent.length = 0;
  server.answers["/session"] = SESSION;
  server.answers[`POST ${RUN}/links`] = () => ({
    ...{ ticket: `ticket-${++tickets}`, path: "/link#", expires: new Date(Date.now() + 60_000).toISOString() },
  });
});

afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
  await machine?.[Symbol.asyncDispose]();
});

/** Resolves when there is a picture. */
async function connected(page: Page): Promise<void> {
  await page.locator('.screen-target[data-state="connected"] canvas').waitFor();
}

/** What is on the screen, as text to compare. */
function picture(page: Page): Promise<string> {
  return page.locator(".screen-target canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
}

/** How many of its pixels are not black. */
function lit(page: Page): Promise<number> {
  return page.locator(".screen-target canvas").evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const data = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    let count = 0;
    for (let at = 0; at < data.length; at += 4) if ((data[at] ?? 0) > 60) count++;
    return count;
  });
}

describe("a link to a screen", () => {
  it("shows it without a login, once", async () => {
    server.answers["/session"] = NOBODY;
    const path = `/link#task=${RUNNING_DETAILS.taskId}&run=0&kind=display&mode=control&ticket=secret-2`;
    await using dashboard = await Dashboard.open(browser, server.origin, path, { viewport: "phone", theme: "dark" });
    const { page } = dashboard;
    await connected(page);
    expect(clients).toMatchObject([{ ticket: "secret-2" }]);
    expect(page.url()).not.toContain("secret-2");
    await dashboard.picture("link-display-phone-dark");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    clients[0]?.client.terminate();
    await page.getByText("This link has been used, or has expired").waitFor();
    expect(clients).toHaveLength(1);
    expect(dashboard.faults).toEqual([]);
  });
});

describe("the screen of a machine", () => {
  it("shows what is on it, and takes keys from who may use it", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    const { page, faults } = dashboard;
    await connected(page);
    await expect.poll(() => lit(page), { timeout: 30_000 }).toBeGreaterThan(500);
    const before = await picture(page);
    await dashboard.picture("display-desktop-light");
    expect(await dashboard.accessibilityFaults()).toEqual([]);

    await page.locator(".screen-target canvas").click();
    await page.keyboard.press("Escape");
    await expect.poll(() => picture(page), { timeout: 30_000 }).not.toBe(before);
    await dashboard.picture("display-menu-desktop-light");
    expect(server.sent.filter(({ path }) => path.endsWith("/links"))).toMatchObject([
      { body: { kind: "display", mode: "control" }, csrf: "the value of the header" },
    ]);
    expect(faults).toEqual([]);
  });

  it("is only looked at by who may not use it, whatever he presses", async () => {
    server.answers["/session"] = VIEWER;
    await using dashboard = await Dashboard.open(browser, server.origin, TAB, { theme: "dark" });
    const { page } = dashboard;
    await connected(page);
    await page.getByText("View only").waitFor();
    expect(await page.getByRole("button", { name: "Take control" }).count()).toBe(0);
    expect(await page.getByRole("button", { name: "Ctrl-Alt-Del" }).count()).toBe(0);
    expect(server.sent).toEqual([]);
    expect(clients).toMatchObject([{ ticket: null, mode: "view" }]);
    await dashboard.picture("display-view-desktop-dark");
    expect(dashboard.faults).toEqual([]);
  });

  it("comes back with a new ticket when the connection has broken", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    const { page } = dashboard;
    await connected(page);
    clients[0]?.client.terminate();
    await page.getByText("The connection is broken").waitFor();
    await dashboard.picture("display-broken-desktop-light");
    await connected(page);
    expect(clients).toHaveLength(2);
    expect(clients[1]?.ticket).not.toBe(clients[0]?.ticket);
  });

  it("says why there is none", async () => {
    server.answers[`POST ${RUN}/links`] = new Refusal(404, "not-found", "the machine of this run is gone");
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    const { page } = dashboard;
    await page.getByText("the machine of this run is gone").waitFor();
    await dashboard.picture("display-gone-desktop-light");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
  });

  it("gives the keyboard back, with no key left pressed", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    const { page } = dashboard;
    await connected(page);
    await page.locator(".screen-target canvas").click();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("CANVAS");
    await page.keyboard.press("Control+Alt+Shift");
    expect(await page.evaluate(() => document.activeElement?.className)).toBe("screen-bar");
  });

  it("has keys to send, a clipboard and a keyboard on a phone", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, TAB, { viewport: "phone" });
    const { page, faults } = dashboard;
    await connected(page);
    await page.getByRole("button", { name: "Clipboard" }).click();
    await page.getByLabel("To the machine").fill("some text");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByText("Sent to the clipboard").waitFor();
    await dashboard.picture("display-clipboard-phone-light", { fullPage: true });
    await page.getByRole("button", { name: "On-screen keyboard" }).click();
    await expect.poll(() => page.evaluate(() => document.activeElement?.className)).toBe("screen-keyboard");
    await page.keyboard.type("a");
    await page.getByRole("button", { name: "Send keys" }).click();
    await page.keyboard.press("ArrowDown");
    await dashboard.picture("display-keys-phone-light");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    await page.keyboard.press("Escape");
    expect(await page.getByRole("menu").count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it("is not there for a machine without one, and after its end", async () => {
    const before = server.answers[RUN];
    server.answers[RUN] = { ...RUNNING_REPORT, live: { ...RUNNING_REPORT.live, display: false } };
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    await dashboard.page.getByText("This machine has no screen").waitFor();
    server.answers[RUN] = { ...RUNNING_REPORT, live: undefined, state: "completed" };
    server.tell("phase", { taskId: RUNNING_DETAILS.taskId, runId: 0, phase: "release", workerId: "host-1" });
    await dashboard.page.getByText("The machine of this run is gone.").waitFor();
    server.answers[RUN] = before;
    expect(dashboard.faults).toEqual([]);
  });
});
