/** What one does with the dashboard: keys, filters, actions, live updates, themes; and what it costs to load it. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DashboardManifest } from "../../src/web/dashboard-files.ts";
import { launchChromium } from "./chromium.ts";
import { Dashboard } from "./dashboard.ts";
import { drawScreen, startFleet } from "./fleet.ts";
import type { ViewServer } from "./view-server.ts";
import { DETAILS, FAILED, MACHINES, makeTask, RUNNING, RUNNING_DETAILS, SESSION, TASKS } from "./views.ts";

let browser: Browser;
let server: ViewServer;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startFleet()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

const BUILT = join(import.meta.dirname, "../../dist/dashboard");

describe("the first load of the overview", () => {
  it("is at most 60 KB, packed, of all it asks for", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/tasks");
    const { page } = dashboard;
    const manifest = JSON.parse(readFileSync(join(BUILT, "manifest.json"), "utf8")) as DashboardManifest;
    const names = new Set<string>();
    page.on("request", (request) => {
      const name = new URL(request.url()).pathname.slice(1) || manifest.page;
      if (name in manifest.files) names.add(name);
    });
    await dashboard.goto("/");
    await page.locator(".running-card").first().waitFor();
    for (const name of manifest.firstLoad) expect(names).toContain(name);
    const packed = [...names].map((name) => (manifest.files[name]?.includes(`${name}.br`) ? `${name}.br` : name));
    const bytes = packed.reduce((sum, name) => sum + statSync(join(BUILT, name)).size, 0);
    process.stderr.write(`the first load of the overview: ${bytes} bytes in ${names.size} files\n`);
    expect(bytes).toBeLessThan(60_000);
  });
});

describe("keys", () => {
  it("lead to pages, to the search, and show which there are", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/");
    const { page } = dashboard;
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await page.getByRole("heading", { name: "Tasks", level: 1 }).waitFor();
    await page.locator("tbody tr").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(TASKS[1]?.name);
    await page.keyboard.press("/");
    await page.keyboard.type("g o ?");
    await expect.poll(() => new URL(page.url()).searchParams.get("search")).toBe("g o ?");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Keyboard" });
    await help.waitFor();
    expect(await help.getByText("Next task").count()).toBe(1);
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    await dashboard.picture("help-desktop-light");
    await page.keyboard.press("Escape");
    await help.waitFor({ state: "detached" });
    expect(dashboard.faults).toEqual([]);
  });

  it("reach the content first, by a link that is there for them", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/");
    const { page } = dashboard;
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
  });
});

describe("the list of tasks", () => {
  it("has its filter in the address, and goes back with it", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/tasks?state=failed");
    const { page } = dashboard;
    await expect
      .poll(() => page.locator("tbody tr").count())
      .toBe(FAILED.filter(({ state }) => state === "failed").length);
    await page.getByRole("button", { name: "exception" }).click();
    await expect.poll(() => page.locator("tbody tr").count()).toBe(FAILED.length);
    expect(new URL(page.url()).search).toBe("?state=failed%2Cexception");
    await page.getByRole("link", { name: "windows-driver" }).click();
    await page.getByRole("alert").waitFor();
    await page.goBack();
    await page.getByRole("link", { name: "windows-driver" }).waitFor();
    expect(await page.getByRole("button", { name: "failed" }).getAttribute("aria-pressed")).toBe("true");
  });

  it("has older pages", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/tasks");
    const { page } = dashboard;
    await page.getByRole("button", { name: "Older" }).click();
    await expect.poll(() => page.locator("tbody tr").count()).toBe(TASKS.length - 50);
    await page.getByRole("button", { name: "Newest" }).click();
    await expect.poll(() => page.locator("tbody tr").count()).toBe(50);
  });
});

describe("what happens elsewhere", () => {
  it("is shown at once, and after a lost connection too", async () => {
    await using fleet = await startFleet();
    await using dashboard = await Dashboard.open(browser, fleet.origin, "/");
    const { page } = dashboard;
    await page.locator(".running-card").first().waitFor();
    await expect.poll(() => fleet.followers).toBe(1);
    fleet.answers["/machines"] = [];
    fleet.answers["/tasks"] = [makeTask(7, { name: "a new one", state: "running" })];
    fleet.tell("task", { taskId: RUNNING[0]?.taskId, state: "completed", queue: "default" });
    await page.locator(".running-card").getByText("a new one").waitFor();
    fleet.answers["/tasks"] = [makeTask(8, { name: "one that was missed", state: "running" })];
    fleet.cutEvents();
    await page.locator(".running-card").getByText("one that was missed").waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
  });

  it("is told of machines only while their cards are seen", async () => {
    const picture = await drawScreen(0);
    const machines = Array.from({ length: 20 }, (_, index) => ({ ...MACHINES[0], taskId: `machine-${index}` }));
    await using fleet = await startFleet({
      "/machines": machines,
      ...Object.fromEntries(machines.map(({ taskId }) => [`/tasks/${taskId}/runs/0/screen`, picture])),
    });
    await using dashboard = await Dashboard.open(browser, fleet.origin, "/", { viewport: "phone" });
    const { page } = dashboard;
    const screen = "/tasks/machine-15/runs/0/screen";
    await page.locator(".thumbnail img").first().waitFor();
    expect(fleet.asked.get(screen)).toBe(undefined);
    await page.locator(".running-card").nth(15).scrollIntoViewIfNeeded();
    await expect.poll(() => fleet.asked.get(screen)).toBeGreaterThan(0);
  });
});

describe("a task", () => {
  it("is canceled with a reason, by who may", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, `/tasks/${RUNNING_DETAILS.taskId}`);
    const { page } = dashboard;
    const path = `/tasks/${RUNNING_DETAILS.taskId}/cancel`;
    server.answers[`POST ${path}`] = RUNNING_DETAILS;
    await page.getByRole("button", { name: "Cancel" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Why").fill("it hangs");
    await dashboard.picture("cancel-desktop-light");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    await dialog.getByRole("button", { name: "Cancel the task" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(server.sent.at(-1)).toEqual({ method: "POST", path, body: { message: "it hangs" }, csrf: SESSION.csrf });
  });

  it("is run again and kept for so many minutes", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, `/tasks/${DETAILS.taskId}`, {
      viewport: "phone",
      theme: "dark",
    });
    const { page } = dashboard;
    const path = `/tasks/${DETAILS.taskId}/copy`;
    server.answers[`POST ${path}`] = RUNNING_DETAILS;
    await page.getByRole("button", { name: "Run again and keep it" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "60" }).click();
    await dashboard.picture("keep-phone-dark");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    await dialog.getByRole("button", { name: "Run it" }).click();
    await page.getByRole("heading", { name: RUNNING_DETAILS.name ?? "" }).waitFor();
    expect(server.sent.at(-1)).toMatchObject({
      path,
      body: { interactive: { shell: true, display: true, keepAfter: "60 minutes" } },
    });
  });

  it("shows what went wrong with what one asked for", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, `/tasks/${DETAILS.taskId}`);
    await dashboard.page.getByRole("button", { name: "Rerun" }).click();
    await dashboard.page.locator(".toast.error").getByText("there is nothing at").waitFor();
  });

  it("has its screenshots walked through by keys", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, `/tasks/${DETAILS.taskId}/runs/1/screenshots`);
    const { page } = dashboard;
    const caption = page.locator("figcaption");
    await expect.poll(() => caption.textContent()).toContain("12 of 12");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    expect(await caption.textContent()).toContain("10 of 12");
    await page.getByRole("slider", { name: "Picture" }).press("Home");
    await expect.poll(() => caption.textContent()).toContain("1 of 12");
    expect(await page.locator(".strip [aria-current]").count()).toBe(1);
    expect(dashboard.faults).toEqual([]);
  });
});

describe("who looks", () => {
  it("is sent to the login, and comes back to where he wanted to", async () => {
    await using fleet = await startFleet({ "/session": { ...SESSION, principal: null, permissions: [] } });
    await using dashboard = await Dashboard.open(browser, fleet.origin, "/tasks?state=failed");
    await expect.poll(() => new URL(dashboard.page.url()).pathname).toBe("/login");
    expect(new URL(dashboard.page.url()).searchParams.get("returnTo")).toBe("/tasks?state=failed");
    expect(fleet.followers).toBe(0);
  });

  it("sees no button for what a viewer may not", async () => {
    const principal = { name: "eve", role: "viewer", via: "session" } as const;
    await using fleet = await startFleet({ "/session": { ...SESSION, principal, permissions: ["read"] } });
    await using dashboard = await Dashboard.open(browser, fleet.origin, `/tasks/${RUNNING_DETAILS.taskId}`);
    await dashboard.page.locator(".log-line").first().waitFor();
    expect(await dashboard.page.locator(".page-header button").count()).toBe(0);
    expect(await dashboard.page.getByRole("navigation", { name: "Pages" }).getByRole("link").allTextContents()).toEqual(
      ["Overview", "Tasks", "Machines", "Workers", "Images"],
    );
  });
});

describe("the colours", () => {
  it("are as the system's until one chooses, and stay chosen", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/", { theme: "dark" });
    const { page } = dashboard;
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const dark = await background();
    await page.getByRole("button", { name: /^Colours/ }).click();
    await expect.poll(background).not.toBe(dark);
    const light = await background();
    await page.reload();
    await page.locator("h1").waitFor();
    expect(await background()).toBe(light);
    await page.getByRole("button", { name: "Colours: light" }).click();
    await page.getByRole("button", { name: "Colours: dark" }).click();
    await expect.poll(background).toBe(dark);
  });
});
