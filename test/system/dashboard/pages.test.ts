/** Every page with what real machines have left on it: in both themes, on a desktop and on a phone. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Dashboard, VIEWPORTS } from "../../browser/dashboard.ts";
import { DashboardHost, SOON, WORKER } from "./host.ts";
import { type Scene, stageScene } from "./scene.ts";
import { PROMPT, untilScreenShown, untilShellShows } from "./screen.ts";

let host: DashboardHost;
let scene: Scene;

beforeAll(async () => {
  host = await DashboardHost.open({ capacity: 4 });
  scene = await stageScene(host);
});

afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
});

interface View {
  readonly path: (scene: Scene) => string;
  /** It has this when it is all there. */
  readonly sign: string;
  /** Resolves when there is something to see. */
  readonly ready?: (page: Page) => Promise<unknown>;
  /** Nobody has to log in to see it. */
  readonly isOpen?: boolean;
}

const ofRun = (task: keyof Scene, rest: string) => (scene: Scene) => `/tasks/${scene[task]}/runs/0/${rest}`;

const PAGES: Readonly<Record<string, View>> = {
  overview: { path: () => "/", sign: ".running-card:nth-child(1)", ready: untilAllScreens },
  tasks: { path: () => "/tasks", sign: ".task-table tbody tr" },
  "task-failed": { path: ({ failed }) => `/tasks/${failed}`, sign: ".timeline .steps", ready: jumpToFailure },
  "task-running": { path: ({ running }) => `/tasks/${running}`, sign: ".log-line" },
  "task-pending": { path: ({ pending }) => `/tasks/${pending}`, sign: ".why-text" },
  display: { path: ofRun("running", "display"), sign: ".screen", ready: untilScreenShown },
  terminal: { path: ofRun("running", "terminal"), sign: ".shell", ready: useShell },
  artifacts: { path: ofRun("completed", "artifacts"), sign: ".artifact-row" },
  "artifact-json": {
    path: ofRun("completed", "artifacts?artifact=public%2Fout%2Fsummary.json"),
    sign: ".artifact-text",
  },
  screenshots: { path: ofRun("completed", "screenshots"), sign: ".strip img", ready: untilPictures },
  network: { path: ofRun("completed", "network"), sign: ".network-table td" },
  definition: { path: ofRun("failed", "definition"), sign: ".definition" },
  workers: { path: () => "/workers", sign: ".worker" },
  worker: { path: () => `/workers/${WORKER}`, sign: ".worker" },
  images: { path: () => "/images", sign: ".image" },
  submit: { path: () => "/submit", sign: ".form-group", ready: untilChecked },
  "submit-copy": { path: ({ failed }) => `/submit?from=${failed}`, sign: ".form-group", ready: untilChecked },
  audit: { path: () => "/audit", sign: ".audit-table tbody tr" },
  login: { path: () => "/login", sign: ".login-form", isOpen: true },
  link: { path: () => "/link", sign: ".empty", isOpen: true },
};

async function untilAllScreens(page: Page): Promise<void> {
  await expect.poll(() => page.locator(".running-card .thumbnail img").count(), SOON).toBe(4);
}

async function untilPictures(page: Page): Promise<void> {
  const missing = () =>
    page
      .locator(".screenshots img")
      .evaluateAll((images) => images.filter((image) => (image as HTMLImageElement).naturalWidth === 0).length);
  await expect.poll(missing, SOON).toBe(0);
}

/** To where the failure of the step is explained. */
async function jumpToFailure(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Jump to (?:the )?failure/ }).click();
  await page.locator(".log-line.selected").waitFor();
}

async function useShell(page: Page): Promise<void> {
  await untilShellShows(page, PROMPT);
  await page.keyboard.type("uname -sr; ls --color=always /\n");
  await untilShellShows(page, /^Linux [\s\S]*\n\S+[#$]\s*$/m);
}

async function untilChecked(page: Page): Promise<void> {
  await page.getByText("Nothing is wrong with it.").waitFor({ state: "attached" });
}

async function expectNoFaults(dashboard: Dashboard, name: string): Promise<void> {
  const { page } = dashboard;
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await dashboard.picture(`real-${name}-${theme}`);
    expect(await dashboard.accessibilityFaults()).toEqual([]);
  }
  const { scrollWidth, innerWidth } = await page.evaluate(() => ({
    scrollWidth: document.documentElement.scrollWidth,
    innerWidth: window.innerWidth,
  }));
  expect(scrollWidth).toBeLessThanOrEqual(innerWidth);
  const hidden = await page.locator(".tabs [aria-current]").evaluateAll(
    (tabs) =>
      tabs.filter((tab) => {
        const { left, right } = tab.getBoundingClientRect();
        return left < 0 || right > window.innerWidth;
      }).length,
  );
  expect(hidden).toBe(0);
  expect(dashboard.faults).toEqual([]);
}

const VARIANTS = Object.keys(VIEWPORTS) as (keyof typeof VIEWPORTS)[];

describe.each(Object.entries(PAGES))("the page %s", (name, { path, sign, ready, isOpen = false }) => {
  it.each(VARIANTS)("has no fault on a %s, in light and dark", async (viewport) => {
    const at = path(scene);
    await using dashboard = await (isOpen ? host.openAsNobody(at, { viewport }) : host.open("admin", at, { viewport }));
    await dashboard.page.locator(sign).first().waitFor();
    await ready?.(dashboard.page);
    await expectNoFaults(dashboard, `${name}-${viewport}`);
  });
});

describe("the first load of the overview", () => {
  it("is at most 250 KB over the wire", async () => {
    await using dashboard = await host.open("viewer", "/login");
    const { page } = dashboard;
    await page.goto("about:blank");
    const network = await page.context().newCDPSession(page);
    await network.send("Network.enable");
    await network.send("Network.clearBrowserCache");
    let bytes = 0;
    network.on("Network.loadingFinished", ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    await dashboard.goto("/");
    await untilAllScreens(page);
    process.stderr.write(`the first load of the overview, with its pictures: ${bytes} bytes over the wire\n`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThanOrEqual(250_000);
    expect(dashboard.faults).toEqual([]);
  });
});
