/** What operators do on their pages, and what the server is asked for by that. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium } from "./chromium.ts";
import { Dashboard } from "./dashboard.ts";
import { startFleet } from "./fleet.ts";
import { IMAGES, LAYERED, NOBODY, operatorAnswers, VIEWER } from "./operator-views.ts";
import { Refusal, type ViewServer } from "./view-server.ts";
import { DETAILS, RUNNING_DETAILS, SESSION } from "./views.ts";

let browser: Browser;
let server: ViewServer;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startFleet(await operatorAnswers())]);
});

beforeEach(() => {
  server.answers["/session"] = SESSION;
  server.sent.length = 0;
});

afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

/** What has changed something, without the checks of documents. */
function changes() {
  return server.sent
    .filter(({ path }) => path !== "/tasks/check")
    .map(({ method, path, body }) => ({ method, path, body }));
}

describe("workers", () => {
  it("are paused with a reason, by keyboard", async () => {
    server.answers["POST /workers/host-1/pause"] = {};
    await using dashboard = await Dashboard.open(browser, server.origin, "/workers/host-1");
    const { page } = dashboard;
    await page.getByRole("button", { name: "Pause" }).press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill("a new disk");
    await dashboard.picture("worker-pause-desktop-light");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    await dialog.getByLabel("Reason").press("Enter");
    await dialog.waitFor({ state: "detached" });
    expect(changes()).toEqual([{ method: "POST", path: "/workers/host-1/pause", body: { reason: "a new disk" } }]);
    expect(dashboard.faults).toEqual([]);
  });

  it("are only looked at by a viewer", async () => {
    server.answers["/session"] = VIEWER;
    await using dashboard = await Dashboard.open(browser, server.origin, "/workers");
    await dashboard.page.locator(".worker").first().waitFor();
    expect(await dashboard.page.locator(".worker button").count()).toBe(0);
  });
});

describe("images", () => {
  it("are opened, pulled, warmed and named", async () => {
    server.answers["POST /images/pull"] = {
      job: "j2",
      kind: "pull",
      state: "running",
      started: new Date().toISOString(),
    };
    server.answers["POST /images/warm"] = {
      job: "j3",
      kind: "warm",
      state: "running",
      started: new Date().toISOString(),
    };
    server.answers["POST /images/tag"] = IMAGES[0];
    await using dashboard = await Dashboard.open(browser, server.origin, "/images");
    const { page } = dashboard;
    await page.getByText("Details of debian-minimal").click();
    await page.getByText("8192 MiB, 4 CPUs").waitFor();
    await dashboard.picture("images-details-desktop-light", { fullPage: true });
    await page.getByRole("button", { name: "Pull an image" }).click();
    await page.getByLabel("Address").fill("https://images.example.com/a.tar.zst");
    await page.getByLabel("Name for it").fill("mine");
    await dashboard.picture("images-pull-desktop-light");
    await page.getByRole("dialog").getByRole("button", { name: "Pull" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Warm" }).first().click();
    await page.getByRole("button", { name: "Name …" }).first().click();
    await page.getByLabel("New name").fill("stable");
    await page.getByLabel("New name").press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    const digest = IMAGES[0]?.digest;
    expect(changes()).toEqual([
      { method: "POST", path: "/images/pull", body: { source: "https://images.example.com/a.tar.zst", tag: "mine" } },
      { method: "POST", path: "/images/warm", body: { image: digest } },
      { method: "POST", path: "/images/tag", body: { image: digest, tag: "stable" } },
    ]);
    expect(dashboard.faults).toEqual([]);
  });

  it("are removed once that is confirmed, one name or all", async () => {
    server.answers["DELETE /images/debian-13"] = { removedTags: ["debian-13"], removedImage: false };
    await using dashboard = await Dashboard.open(browser, server.origin, "/images");
    const { page } = dashboard;
    await page.getByRole("button", { name: "Remove …" }).first().click();
    await page.getByLabel("What is to go").selectOption("debian-13");
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("The name debian-13 is gone.").waitFor();
    expect(changes()).toMatchObject([{ method: "DELETE", path: "/images/debian-13" }]);
  });

  it("tell of themselves on a page of their own: what they lie on, what is in them", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/images");
    const { page, faults } = dashboard;
    await page.getByRole("link", { name: "debian-ci" }).click();
    await page.getByText("boxcar-agent 046a38e9b831").waitFor();
    await page.getByText("k-8f3a12c09d77").waitFor();
    const search = page.getByLabel("Search packages");
    await search.fill("many-20 lib");
    await page.getByText("5 of 211", { exact: true }).waitFor();
    await search.fill("g++");
    await page.getByText("1 of 211", { exact: true }).waitFor();
    expect(await page.locator(".package-row").allInnerTexts()).toEqual([expect.stringMatching(/^g\+\+-12\s+4:3/)]);
    await search.fill("");
    await page.getByRole("button", { name: "Show all 211" }).click();
    expect(await page.locator(".package-row").count()).toBe(211);
    await page.getByLabel("Layers").getByRole("link", { name: "debian-minimal" }).click();
    await page.getByRole("heading", { name: "debian-minimal" }).waitFor();
    await page.getByText("On it lies").waitFor();
    await page.getByText("nobody: not signed").waitFor();
    expect(faults).toEqual([]);
  });

  it("are left when they are gone", async () => {
    server.answers[`DELETE /images/${LAYERED.digest}`] = { removedTags: LAYERED.tags, removedImage: true };
    await using dashboard = await Dashboard.open(browser, server.origin, `/images/${LAYERED.digest}`);
    const { page } = dashboard;
    await page.getByRole("button", { name: "Remove …" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("debian-ci is gone.").waitFor();
    await page.getByRole("heading", { name: "Images" }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/images");
  });
});

describe("writing a task", () => {
  it("checks as one types, shows what is wrong at the field, and submits at Ctrl+Enter", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/submit");
    const { page } = dashboard;
    await page.getByLabel("Memory, MiB").fill("much");
    await page.locator(".form-field", { hasText: "must be an integer" }).waitFor();
    await page.locator(".issues", { hasText: "payload.machine.memory" }).waitFor();
    expect(await page.getByRole("button", { name: "Submit" }).isDisabled()).toBe(true);
    await dashboard.picture("submit-wrong-desktop-light");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    await page.getByLabel("Memory, MiB").fill("2048");
    await page.getByText("Nothing is wrong with it.").waitFor();
    const editor = page.getByLabel("Task definition");
    expect(await editor.inputValue()).toContain("memory: 2048");
    await editor.fill((await editor.inputValue()).replace("name: hello", "name: another"));
    expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("another");
    await page.getByRole("button", { name: "JSON" }).click();
    expect(JSON.parse(await editor.inputValue())).toMatchObject({ payload: { machine: { memory: 2_048 } } });
    await page.getByText("Nothing is wrong with it.").waitFor();
    await page.getByLabel("Name", { exact: true }).press("Control+Enter");
    await page.waitForURL(`**/tasks/${RUNNING_DETAILS.taskId}`);
    expect(changes()).toMatchObject([{ path: "/tasks", body: { metadata: { name: "another" } } }]);
    expect(dashboard.faults).toEqual([]);
  });

  it("keeps what was written, also where it cannot be read", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/submit");
    const { page } = dashboard;
    await page.getByLabel("Task definition").fill("payload: [\n");
    await page.getByText("The document cannot be read, so there is no form of it.").waitFor();
    await page.reload();
    await page.getByText("The document cannot be read, so there is no form of it.").waitFor();
    expect(await page.getByLabel("Task definition").inputValue()).toBe("payload: [\n");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
  });

  it("starts from another task", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, `/submit?from=${DETAILS.taskId}`);
    const { page } = dashboard;
    expect(await page.getByLabel("Command").inputValue()).toBe("npm ci\nnpm test -- --shard=1/8\n");
    await page.getByLabel("I want to use the machine myself").check();
    await expect.poll(() => page.getByLabel("Task definition").inputValue()).toContain("keepAfter: 30 minutes");
  });
});

describe("logging in", () => {
  async function logInWith(page: Page, token: string): Promise<void> {
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
  }

  it("leads back to where one was, and out again", async () => {
    server.answers["/session"] = NOBODY;
    server.answers["POST /session"] = (_query: unknown, { token }: { token: string }) => {
      if (token !== "right") return new Refusal(401, "unknown-token", "no");
      server.answers["/session"] = SESSION;
      return SESSION;
    };
    server.answers["DELETE /session"] = () => {
      server.answers["/session"] = NOBODY;
      return null;
    };
    await using dashboard = await Dashboard.open(browser, server.origin, "/workers");
    const { page } = dashboard;
    await page.waitForURL("**/login?returnTo=%2Fworkers");
    expect(await page.getByRole("link", { name: "Log in with Example" }).getAttribute("href")).toBe(
      "/api/v1/session/oidc?returnTo=%2Fworkers",
    );
    await logInWith(page, "wrong");
    await page.getByText("This token is not known, has expired or was revoked.").waitFor();
    await dashboard.picture("login-wrong-desktop-light");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    await logInWith(page, "right");
    await page.locator(".worker").first().waitFor();
    await page.getByRole("button", { name: "ada" }).click();
    await page.getByText("admin: may do everything").waitFor();
    await dashboard.picture("user-menu-desktop-light");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    await page.getByRole("menuitem", { name: "Log out" }).click();
    await page.waitForURL("**/login");
  });
});

describe("artifacts", () => {
  const path = `/tasks/${DETAILS.taskId}/runs/1/artifacts`;

  it("are shown, and pages among them never run", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, path);
    const { page } = dashboard;
    await page.getByRole("link", { name: "report.json", exact: true }).click();
    await page.getByText('"failed": 3').waitFor();
    await page.getByRole("link", { name: "index.html", exact: true }).click();
    await page.getByText("<h1>Report</h1>").waitFor();
    await page.getByRole("button", { name: "Page, without scripts" }).click();
    await page.frameLocator("iframe").getByRole("heading", { name: "Report" }).waitFor();
    expect(await page.title()).not.toContain("taken over");
    await dashboard.picture("artifact-page-desktop-light");
    expect(await page.getByRole("link", { name: "Download out/program.tar.zst" }).getAttribute("download")).toBe(
      "program.tar.zst",
    );
    await page.getByRole("button", { name: "Copy link" }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
      `${server.origin}/api/v1/tasks/${DETAILS.taskId}/runs/1/artifacts/report/index.html`,
    );
  });
});

describe("the audit log", () => {
  it("is read on, and filtered", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, "/audit");
    const { page, faults } = dashboard;
    const rows = page.locator(".audit-table tbody tr");
    await expect.poll(() => rows.count()).toBe(100);
    await page.getByRole("button", { name: "Load older entries" }).click();
    await expect.poll(() => rows.count()).toBe(160);
    await page.getByLabel("Filter").fill("vera refused");
    await page.getByText("27 entries of the 160 that are loaded").waitFor();
    expect(faults).toEqual([]);
  });

  it("is not for others", async () => {
    server.answers["/session"] = VIEWER;
    const before = server.asked.get("/audit");
    await using dashboard = await Dashboard.open(browser, server.origin, "/audit");
    await dashboard.page.getByText("You may not read the audit log.").waitFor();
    expect(server.asked.get("/audit")).toBe(before);
  });
});
