/** Every page of the dashboard, as it is seen: in both themes, on a desktop and on a phone. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium } from "./chromium.ts";
import { Dashboard, VIEWPORTS } from "./dashboard.ts";
import { startFleet } from "./fleet.ts";
import type { ViewServer } from "./view-server.ts";
import { DETAILS, EMPTY_QUEUE, RUNNING_DETAILS } from "./views.ts";

let browser: Browser;
let server: ViewServer;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startFleet()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

/** What a page has when it is all there. */
const PAGES: Readonly<Record<string, { path: string; sign: string }>> = {
  overview: { path: "/", sign: ".running-card" },
  tasks: { path: "/tasks", sign: ".task-table tbody tr" },
  task: { path: `/tasks/${DETAILS.taskId}`, sign: ".log-line.workers" },
  "task-running": { path: `/tasks/${RUNNING_DETAILS.taskId}`, sign: ".log-line" },
  screenshots: { path: `/tasks/${DETAILS.taskId}/runs/1/screenshots`, sign: ".screenshot" },
  network: { path: `/tasks/${DETAILS.taskId}/runs/1/network`, sign: ".network-table td" },
  definition: { path: `/tasks/${DETAILS.taskId}/runs/1/definition`, sign: ".definition" },
};

const VARIANTS = (Object.keys(VIEWPORTS) as (keyof typeof VIEWPORTS)[]).flatMap((viewport) =>
  (["light", "dark"] as const).map((theme) => ({ viewport, theme })),
);

describe.each(Object.entries(PAGES))("the page %s", (name, { path, sign }) => {
  it.each(VARIANTS)("has no fault on a $viewport, $theme", async ({ viewport, theme }) => {
    await using dashboard = await Dashboard.open(browser, server.origin, path, { viewport, theme });
    await dashboard.page.locator(sign).first().waitFor();
    await dashboard.picture(`${name}-${viewport}-${theme}`);
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    const { scrollWidth, innerWidth } = await dashboard.page.evaluate(() => ({
      scrollWidth: document.documentElement.scrollWidth,
      innerWidth: window.innerWidth,
    }));
    expect(scrollWidth).toBeLessThanOrEqual(innerWidth);
    expect(dashboard.faults).toEqual([]);
  });
});

describe("a fleet that has nothing to do", () => {
  it.each(VARIANTS)("says what to do on a $viewport, $theme", async ({ viewport, theme }) => {
    await using idle = await startFleet({ "/queue": EMPTY_QUEUE, "/tasks": [], "/machines": [], "/workers": [] });
    await using dashboard = await Dashboard.open(browser, idle.origin, "/", { viewport, theme });
    await dashboard.page.getByText("boxcar queue submit").waitFor();
    await dashboard.picture(`overview-empty-${viewport}-${theme}`);
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    expect(dashboard.faults).toEqual([]);
  });
});
