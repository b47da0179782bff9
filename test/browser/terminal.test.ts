/** Shells in the page, with a real one at the other side. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium } from "./chromium.ts";
import { Dashboard } from "./dashboard.ts";
import { startFleet } from "./fleet.ts";
import { operatorAnswers, VIEWER } from "./operator-views.ts";
import { type ShellPeer, serveShell } from "./shell-peer.ts";
import type { ViewServer } from "./view-server.ts";
import { RUNNING_DETAILS, SESSION } from "./views.ts";

const RUN = `/tasks/${RUNNING_DETAILS.taskId}/runs/0`;
const TAB = `${RUN}/terminal`;
const WINDOW_BYTES = 65_536;

let browser: Browser;
let server: ViewServer;
let peer: ShellPeer;
let opened: string[] = [];

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startFleet(await operatorAnswers())]);
  server.answers[`POST ${RUN}/links`] = { ticket: "t1", path: "/link#", expires: new Date().toISOString() };
  server.sockets.set(`${RUN}/shell`, (client, query) => {
    opened.push(String(query));
    serveShell(client, peer);
  });
});

beforeEach(() => {
  peer = { sizes: [], mostOpenBytes: 0, typedBytes: 0 };
  opened = [];
  server.answers["/session"] = SESSION;
});

afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

/** What the shell that is shown has on its screen. */
function screen(page: Page): Promise<string> {
  return page
    .locator(".shell:not([hidden]) .xterm-rows")
    .evaluate((rows) => [...rows.children].map((row) => row.textContent).join("\n"));
}

async function prompt(page: Page): Promise<void> {
  await expect.poll(() => screen(page), { timeout: 15_000 }).toMatch(/[#$]\s*$/);
}

/** A line that is not the one that was typed. */
async function shows(page: Page, line: RegExp): Promise<void> {
  await expect.poll(() => screen(page), { timeout: 15_000 }).toMatch(line);
}

describe("a shell in the page", () => {
  it("runs a command, in colours, and says when it has ended", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    const { page, faults } = dashboard;
    await prompt(page);
    expect(opened).toEqual(["tty=true&ticket=t1"]);
    await page.keyboard.type(
      "printf '\\033[31mred %s\\033[0m \\033[38;2;120;200;255mtrue colour\\033[0m\\n' $((6*7))\n",
    );
    await shows(page, /^red 42 true colour/m);
    await dashboard.picture("terminal-desktop-light");
    const colour = await page.locator(".xterm-rows span", { hasText: "true colour" }).last();
    expect(await colour.evaluate((element) => getComputedStyle(element).color)).not.toBe(
      await page.locator(".xterm-rows").evaluate((element) => getComputedStyle(element).color),
    );
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    await page.keyboard.type("exit 3\n");
    await shows(page, /the shell has ended with an error/);
    expect(faults).toEqual([]);
  });

  it("takes much output as fast as it is shown, and no faster", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    const { page, faults } = dashboard;
    await prompt(page);
    await page.keyboard.type("seq 1 60000; echo the $((1+1))nd end\n");
    await shows(page, /^the 2nd end/m);
    expect(peer.mostOpenBytes).toBeLessThanOrEqual(WINDOW_BYTES);
    expect(faults).toEqual([]);
  });

  it("takes a paste that is longer than the window", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    const { page } = dashboard;
    await prompt(page);
    await page.keyboard.type("stty -echo -icanon; echo ready $((1+1)); cat > /dev/null\n");
    await shows(page, /^ready 2/m);
    const typedBefore = peer.typedBytes;
    await page.evaluate(() => navigator.clipboard.writeText("0123456789".repeat(15_000)));
    await page.getByRole("button", { name: "Paste", exact: true }).click();
    await expect.poll(() => peer.typedBytes - typedBefore, { timeout: 15_000 }).toBe(150_000);
  });

  it("tells the shell its size, again when it changes", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    const { page } = dashboard;
    await prompt(page);
    const [first] = peer.sizes;
    expect(first?.columns).toBeGreaterThan(60);
    await page.setViewportSize({ width: 700, height: 500 });
    await expect.poll(() => peer.sizes.at(-1)?.columns).toBeLessThan(first?.columns ?? 0);
  });

  it("follows the colours of the page", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    const { page, faults } = dashboard;
    await prompt(page);
    const colour = () => page.locator(".xterm-rows").evaluate((element) => getComputedStyle(element).color);
    const light = await colour();
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(colour).not.toBe(light);
    await dashboard.picture("terminal-desktop-dark");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    expect(faults).toEqual([]);
  });

  it("has several, for screen readers too, and gives the keyboard back", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, TAB, { viewport: "phone", theme: "dark" });
    const { page, faults } = dashboard;
    await prompt(page);
    await page.keyboard.type("echo first $((1+0))\n");
    await shows(page, /^first 1/m);
    await page.getByRole("button", { name: "New shell" }).click();
    await prompt(page);
    expect(await screen(page)).not.toContain("first 1");
    await page.getByRole("button", { name: "For screen readers" }).click();
    await page.locator(".shell:not([hidden]) .xterm-accessibility").waitFor({ state: "attached" });
    await dashboard.picture("terminal-phone-dark");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    await page.getByRole("button", { name: /^Shell 1/ }).click();
    await shows(page, /^first 1/m);
    await page.locator(".shell:not([hidden]) textarea").focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Control+Alt+Shift");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain("Shell 1");
    await page.getByRole("button", { name: "Close shell 1" }).click();
    await page.getByRole("button", { name: "Close shell 2" }).click();
    await page.getByText("No shell is open.").waitFor();
    expect(faults).toEqual([]);
  });

  it("is not for who may only look", async () => {
    server.answers["/session"] = VIEWER;
    await using dashboard = await Dashboard.open(browser, server.origin, TAB);
    await dashboard.page.getByText("You may not have a shell in this machine.").waitFor();
    expect(opened).toEqual([]);
  });
});

describe("a link to a shell", () => {
  it("opens it without a login, once, and takes the secret out of the address", async () => {
    const path = `/link#task=${RUNNING_DETAILS.taskId}&run=0&kind=shell&ticket=secret-1`;
    await using dashboard = await Dashboard.open(browser, server.origin, path);
    const { page } = dashboard;
    await prompt(page);
    expect(opened).toEqual(["tty=true&ticket=secret-1"]);
    expect(page.url()).not.toContain("secret-1");
    await dashboard.picture("link-shell-desktop-light");
    await page.reload();
    await page.getByText("This link is not whole, or has been used.").waitFor();
    expect(dashboard.faults).toEqual([]);
  });

  it("says that it has been used or has expired, where it opens nothing", async () => {
    const path = `/link#task=gone&run=0&kind=shell&ticket=secret-3`;
    await using dashboard = await Dashboard.open(browser, server.origin, path);
    await shows(dashboard.page, /the link has been used or has expired/);
  });
});
