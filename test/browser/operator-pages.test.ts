/** The pages of operators, as they are seen: in both themes, on a desktop and on a phone. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium } from "./chromium.ts";
import { Dashboard, VIEWPORTS } from "./dashboard.ts";
import { startFleet } from "./fleet.ts";
import { IMAGES, LAYERED, NOBODY, operatorAnswers } from "./operator-views.ts";
import type { ViewServer } from "./view-server.ts";
import { DETAILS } from "./views.ts";

let browser: Browser;
let server: ViewServer;

beforeAll(async () => {
  const answers = await operatorAnswers();
  [browser, server] = await Promise.all([launchChromium(), startFleet(answers)]);
});

afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

const ARTIFACTS_PATH = `/tasks/${DETAILS.taskId}/runs/1/artifacts`;

interface View {
  readonly path: string;
  /** It has this when it is all there. */
  readonly sign: string;
  readonly nobody?: boolean;
}

const PAGES: Readonly<Record<string, View>> = {
  workers: { path: "/workers", sign: ".worker" },
  worker: { path: "/workers/host-1", sign: ".worker" },
  images: { path: "/images", sign: ".image" },
  image: { path: `/images/${LAYERED.digest}`, sign: ".image-history" },
  "image-plain": { path: `/images/${IMAGES[0]?.digest}`, sign: ".image-section" },
  submit: { path: "/submit", sign: ".form-group" },
  "submit-copy": { path: `/submit?from=${DETAILS.taskId}`, sign: ".form-group" },
  audit: { path: "/audit", sign: ".audit-table tr" },
  artifacts: { path: ARTIFACTS_PATH, sign: ".artifact-row" },
  "artifact-json": { path: `${ARTIFACTS_PATH}?artifact=report.json`, sign: ".artifact-text" },
  "artifact-picture": { path: `${ARTIFACTS_PATH}?artifact=public/screens/failure.png`, sign: ".artifact-picture img" },
  "artifact-missing": { path: `${ARTIFACTS_PATH}?artifact=out/coverage`, sign: ".artifact-details" },
  login: { path: "/login", sign: ".login-form", nobody: true },
  "link-used": { path: "/link", sign: ".empty", nobody: true },
  "not-found": { path: "/tasks/a/b/c", sign: ".empty" },
};

const VARIANTS = (Object.keys(VIEWPORTS) as (keyof typeof VIEWPORTS)[]).flatMap((viewport) =>
  (["light", "dark"] as const).map((theme) => ({ viewport, theme })),
);

describe.each(Object.entries(PAGES))("the page %s", (name, { path, sign, nobody = false }) => {
  it.each(VARIANTS)("has no fault on a $viewport, $theme", async ({ viewport, theme }) => {
    const before = server.answers["/session"];
    if (nobody) server.answers["/session"] = NOBODY;
    await using dashboard = await Dashboard.open(browser, server.origin, path, { viewport, theme });
    server.answers["/session"] = before;
    const { page, faults } = dashboard;
    await page.locator(sign).first().waitFor();
    await dashboard.picture(`${name}-${viewport}-${theme}`, { fullPage: name !== "audit" });
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    const { scrollWidth, innerWidth } = await page.evaluate(() => ({
      scrollWidth: document.documentElement.scrollWidth,
      innerWidth: window.innerWidth,
    }));
    expect(scrollWidth).toBeLessThanOrEqual(innerWidth);
    expect(faults).toEqual([]);
  });
});
