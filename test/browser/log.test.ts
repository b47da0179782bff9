/** The log viewer: large logs, fast ones, broken connections, what is in them. */
import { setTimeout as delay } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium } from "./chromium.ts";
import { Dashboard } from "./dashboard.ts";
import { startFleet } from "./fleet.ts";
import type { ViewServer } from "./view-server.ts";
import { wholeLog } from "./view-server.ts";
import { DETAILS, RUNNING_DETAILS } from "./views.ts";

const OVER = `/tasks/${DETAILS.taskId}/runs/1/logs/task.log`;
const LIVE = `/tasks/${RUNNING_DETAILS.taskId}/runs/0/logs/task.log`;
const OVER_PAGE = `/tasks/${DETAILS.taskId}`;
const LIVE_PAGE = `/tasks/${RUNNING_DETAILS.taskId}`;

let browser: Browser;
let server: ViewServer;

beforeAll(async () => {
  [browser, server] = await Promise.all([launchChromium(), startFleet()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

const line = (dashboard: Dashboard, number: number) =>
  dashboard.page.locator(".log-line").filter({ has: dashboard.page.getByText(String(number), { exact: true }) });

describe("what is in a log", () => {
  it("is shown as a terminal would, and never as markup", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, OVER_PAGE);
    const { page } = dashboard;
    await line(dashboard, 6).getByText("100 % done").waitFor();
    await expect.poll(() => line(dashboard, 5).locator(".f2").textContent()).toBe("yes");
    await page.getByRole("button", { name: "Jump to failure" }).click();
    await line(dashboard, 75).and(page.locator(".selected")).waitFor();
    expect(new URL(page.url()).hash).toBe("#L75");
    expect(await page.getByText("<script>alert(1)</script>").count()).toBe(1);
    expect(await page.locator(".log script, .log b").count()).toBe(0);
    expect(await page.getByText("true colour").evaluate((element) => getComputedStyle(element).color)).toBe(
      "rgb(120, 200, 255)",
    );
    await dashboard.picture("log-failure-desktop-light");
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    expect(dashboard.faults).toEqual([]);
  });

  it("can be selected, linked to and copied", async () => {
    await using dashboard = await Dashboard.open(browser, server.origin, OVER_PAGE);
    const { page } = dashboard;
    await page.getByRole("link", { name: "4", exact: true }).click();
    await page.getByRole("link", { name: "6", exact: true }).click({ modifiers: ["Shift"] });
    expect(new URL(page.url()).hash).toBe("#L4-L6");
    expect(await page.locator(".log-line.selected").count()).toBe(3);
    await page.getByRole("button", { name: "Copy the selected lines" }).click();
    await page.getByText("3 lines copied").waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
      "==> configure\nchecking for a compiler… yes\n100 % done",
    );
  });
});

describe("a log that is not there", () => {
  it("is asked for once if its run is over, and again if it may come", async () => {
    await using over = await Dashboard.open(browser, server.origin, OVER_PAGE);
    await over.page.getByLabel("Which log").selectOption({ label: "Console" });
    await over.page.getByText("There is no such log.").waitFor();
    const path = `/tasks/${RUNNING_DETAILS.taskId}/runs/0/logs/task.log`;
    const sender = server.logs.get(path);
    server.logs.delete(path);
    await using coming = await Dashboard.open(browser, server.origin, LIVE_PAGE);
    await coming.page.getByText("The log begins when the run does.").waitFor();
    if (sender !== undefined) server.logs.set(path, sender);
    await coming.page.locator(".log-line").first().waitFor();
    expect(server.asked.get(OVER.replace("task.log", "console.log"))).toBe(1);
  });
});

describe("a log of two million lines and 64 MiB", () => {
  const count = 2_000_000;
  const text = Array.from({ length: count }, (_, index) => `${index + 1} ${"abcdefghijklmnopqrstuvwxyz"}`)
    .join("\n")
    .concat("\n");

  it("has few lines in the page, leads to any of them, and is searched", async () => {
    expect(text.length).toBeGreaterThan(64 * 2 ** 20);
    server.logs.set(OVER, async (client) => {
      client.send(JSON.stringify({ offset: 0 }));
      const bytes = Buffer.from(text);
      for (let begin = 0; begin < bytes.length; begin += 65_536) {
        await new Promise((resolve) => client.send(bytes.subarray(begin, begin + 65_536), resolve));
      }
      client.close(1000);
    });
    await using dashboard = await Dashboard.open(browser, server.origin, `${OVER_PAGE}#L1234567`);
    const { page } = dashboard;
    await page.locator(".log-line.selected").getByText("1234567 abc").waitFor();
    await page.getByText("2,000,000 lines").waitFor();
    expect(await page.locator(".log-line").count()).toBeLessThan(100);
    const scroller = page.getByRole("region", { name: "Log" });
    await scroller.press("End");
    await line(dashboard, count).waitFor();
    await page.getByRole("searchbox", { name: "Search in the log" }).fill("999999 ABC");
    await page.getByText("1 of 2", { exact: true }).waitFor();
    await page.locator(".log-line.current").getByText("999999").first().waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("2 of 2", { exact: true }).waitFor();
    await page.locator(".log-line.current").getByText("1999999").first().waitFor();
    expect(dashboard.faults).toEqual([]);
  });
});

interface Frames {
  /** Milliseconds. */
  readonly longest: number;
  readonly median: number;
}

async function measureFrames(page: Page): Promise<Frames> {
  return await page.evaluate(async () => {
    const durations: number[] = [];
    let last = performance.now();
    await new Promise<void>((resolve) => {
      const frame = (now: number) => {
        durations.push(now - last);
        last = now;
        if (durations.length < 120) requestAnimationFrame(frame);
        else resolve();
      };
      requestAnimationFrame(frame);
    });
    const sorted = durations.slice(1).sort((a, b) => a - b);
    return { longest: sorted.at(-1) ?? 0, median: sorted[sorted.length >> 1] ?? 0 };
  });
}

describe("a live log", () => {
  it("stays smooth at 5,000 lines a second, and follows until one scrolls up", async () => {
    const seconds = 6;
    let sent = 0;
    server.logs.set(LIVE, async (client, from) => {
      client.send(JSON.stringify({ offset: from }));
      const begin = performance.now();
      while (performance.now() - begin < seconds * 1_000) {
        const due = Math.floor(((performance.now() - begin) / 1_000) * 5_000);
        if (due - sent >= 25) {
          const lines = Array.from(
            { length: due - sent },
            (_, index) =>
              `\u001b[32mline\u001b[0m ${sent + index + 1} of a fast task, \u001b[1mwith\u001b[0m some text`,
          );
          sent = due;
          client.send(Buffer.from(`${lines.join("\n")}\n`));
        }
        // As fast as it is meant to be, and no faster.
        await delay(5);
      }
      client.close(1000);
    });
    await using dashboard = await Dashboard.open(browser, server.origin, "/tasks");
    const { page } = dashboard;
    const idle = await measureFrames(page);
    await dashboard.goto(LIVE_PAGE);
    await page.locator(".log-line").first().waitFor();
    const busy = await measureFrames(page);
    expect(await page.locator(".log-state.open").count()).toBe(1);
    process.stderr.write(`frames at 5,000 lines a second: ${JSON.stringify({ idle, busy })}\n`);
    expect(busy.median).toBeLessThan(3 * idle.median);
    await page.locator(".log-state.ended").waitFor();
    await line(dashboard, sent).waitFor();
    await page.getByRole("region", { name: "Log" }).press("PageUp");
    await expect.poll(() => page.getByRole("button", { name: "Follow" }).getAttribute("aria-pressed")).toBe("false");
    expect(dashboard.faults).toEqual([]);
  });

  it("goes on where its connection broke, and nothing is missing or twice", async () => {
    const bytes = Buffer.from(Array.from({ length: 3_000 }, (_, index) => `line ${index + 1}\n`).join(""));
    const begins: number[] = [];
    server.logs.set(LIVE, (client, from) => {
      begins.push(from);
      client.send(JSON.stringify({ offset: from }));
      const end = begins.length < 4 ? from + 7_001 : bytes.length;
      client.send(bytes.subarray(from, end), () => {
        if (begins.length < 4) client.terminate();
        else client.close(1000);
      });
    });
    await using dashboard = await Dashboard.open(browser, server.origin, LIVE_PAGE);
    await dashboard.page.getByText("3,000 lines").waitFor();
    await line(dashboard, 3_000).getByText("line 3000").waitFor();
    expect(begins).toEqual([0, 7_001, 14_002, 21_003]);
  });

  it("wraps, and still shows its end", async () => {
    server.logs.set(
      LIVE,
      wholeLog(Array.from({ length: 200 }, (_, index) => `${index + 1}: ${"long ".repeat(80)}`).join("\n")),
    );
    await using dashboard = await Dashboard.open(browser, server.origin, LIVE_PAGE);
    const { page } = dashboard;
    await page.getByRole("button", { name: "Wrap" }).click();
    const last = line(dashboard, 200);
    await last.waitFor();
    const scroller = page.getByRole("region", { name: "Log" });
    await expect
      .poll(async () => {
        const [outer, inner] = [await scroller.boundingBox(), await last.boundingBox()];
        if (outer === null || inner === null) return "nothing";
        return inner.height > 30 && Math.abs(outer.y + outer.height - (inner.y + inner.height)) < 4
          ? "at the end"
          : JSON.stringify({ outer, inner });
      })
      .toBe("at the end");
    await dashboard.picture("log-wrapped-desktop-light");
  });
});
