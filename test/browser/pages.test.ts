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

const VARIANTS = Object.keys(VIEWPORTS) as (keyof typeof VIEWPORTS)[];

/** In both themes, of one page that is there. */
async function expectNoFaults(dashboard: Dashboard, name: string): Promise<void> {
  const { page } = dashboard;
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await dashboard.picture(`${name}-${theme}`);
    expect(await dashboard.accessibilityFaults()).toEqual([]);
  }
  const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  expect(wide).toBeLessThanOrEqual(seen ?? 0);
  expect(dashboard.faults).toEqual([]);
}

describe.each(Object.entries(PAGES))("the page %s", (name, { path, sign }) => {
  it.each(VARIANTS)("has no fault on a %s, in light and dark", async (viewport) => {
    await using dashboard = await Dashboard.open(browser, server.origin, path, { viewport });
    await dashboard.page.locator(sign).first().waitFor();
    await expectNoFaults(dashboard, `${name}-${viewport}`);
  });
});

describe("a fleet that has nothing to do", () => {
  it.each(VARIANTS)("says what to do on a %s", async (viewport) => {
    await using idle = await startFleet({ "/queue": EMPTY_QUEUE, "/tasks": [], "/machines": [], "/workers": [] });
    await using dashboard = await Dashboard.open(browser, idle.origin, "/", { viewport });
    await dashboard.page.getByText("boxcar queue submit").waitFor();
    await expectNoFaults(dashboard, `overview-empty-${viewport}`);
  });
});
