/** The log of a real machine in the page: as it grows, when it is fast, when it is over. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DashboardHost, SOON } from "./host.ts";

let host: DashboardHost;

beforeAll(async () => {
  host = await DashboardHost.open();
});

afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
});

/** Waits for a file that the test makes by a shell in the machine. */
const gate = (name: string) => `until [ -e /tmp/${name} ]; do sleep 0.1; done`;

const openGate = (taskId: string, name: string) => host.inMachine(taskId, `touch /tmp/${name}`);

const lines = (page: Page) => page.locator(".log-line");
const text = (page: Page, wanted: string) => page.locator(".log-text", { hasText: wanted });

function lineOf(page: Page, number: number) {
  return lines(page).filter({ has: page.getByText(String(number), { exact: true }) });
}

describe("the log of a task", () => {
  it("grows while the task prints, in its colours, and is searched and linked to", async () => {
    const script = [
      "printf 'first \\033[31mred\\033[0m and \\033[38;2;120;200;255mtrue colour\\033[0m\\n'",
      gate("second"),
      "echo second",
      gate("many"),
      "seq -f 'number %g' 1 500",
      gate("end"),
      "echo 'error: the end is wrong'",
      "exit 3",
    ];
    const taskId = await host.submit(script.join("\n"), { name: "a log" });
    await using dashboard = await host.open("viewer", `/tasks/${taskId}`);
    const { page, faults } = dashboard;
    await text(page, "first red and true colour").waitFor();
    expect(await page.locator(".log-text .f1").first().textContent()).toBe("red");
    expect(
      await page.getByText("true colour", { exact: true }).evaluate((element) => getComputedStyle(element).color),
    ).toBe("rgb(120, 200, 255)");
    expect(await text(page, "second").count()).toBe(0);
    await openGate(taskId, "second");
    await text(page, "second").last().waitFor();

    const follow = page.getByRole("button", { name: "Follow" });
    expect(await follow.getAttribute("aria-pressed")).toBe("true");
    await openGate(taskId, "many");
    await text(page, "number 500").waitFor();
    await page.getByRole("region", { name: "Log" }).press("Home");
    await text(page, "first red").waitFor();
    expect(await follow.getAttribute("aria-pressed")).toBe("false");

    const search = page.getByRole("searchbox", { name: "Search in the log" });
    await search.fill("NUMBER 49");
    await page.getByText("1 of 11", { exact: true }).waitFor();
    await search.press("Enter");
    await page.getByText("2 of 11", { exact: true }).waitFor();
    await page.locator(".log-line.current mark", { hasText: "number 49" }).waitFor();
    await search.press("Escape");
    await page.getByRole("region", { name: "Log" }).press("Home");

    await openGate(taskId, "end");
    await page.locator(".badge", { hasText: "failed" }).first().waitFor();
    await page.locator(".log-state.ended").waitFor();
    // It has grown below what one reads, which has stayed where it was.
    const last = page.locator(".log-text", { hasText: /^error: the end is wrong$/ });
    expect(await last.count()).toBe(0);
    await follow.click();
    await last.waitFor();

    // Where the worker has its folders is not for readers.
    expect(await host.log(taskId)).toContain("the screen is in failure.png\n");

    await page.getByRole("button", { name: "Jump to failure" }).click();
    await page.locator(".log-line.selected").waitFor();
    const [link, shown] = [page.url(), await page.locator(".log-line.selected .log-text").textContent()];
    expect(shown).toMatch(/exit code 3/);
    await using other = await host.open("viewer", link.slice(host.origin.length));
    await expect.poll(() => other.page.locator(".log-line.selected .log-text").textContent(), SOON).toBe(shown);
    expect([...faults, ...other.faults]).toEqual([]);
  });

  it("stays smooth at thousands of lines a second, and has all of them", async () => {
    const count = 30_000;
    const line = "\x1b[32mline\x1b[0m %.0f of a fast task, with some text";
    const script = [
      `seq -f '${line}' 1 ${count} | split -l 1000 -a 3 - /tmp/part.`,
      "echo ready",
      gate("go"),
      // As fast as it is meant to be, and no faster.
      "for part in /tmp/part.*; do cat $part; sleep 0.1; done",
      "echo at the end",
    ];
    const taskId = await host.submit(script.join("\n"), { name: "a fast log" });
    await host.untilLogged(taskId, "\nready\n");
    await using dashboard = await host.open("viewer", `/tasks/${taskId}`);
    const { page, faults } = dashboard;
    await lines(page).first().waitFor();
    const frames = page.evaluate(measureFrames, "at the end");
    await openGate(taskId, "go");
    await page.locator(".log-text", { hasText: /^at the end$/ }).waitFor();
    const measured = await frames;
    const linesPerSecond = Math.round(count / measured.seconds);
    process.stderr.write(`the page beside a fast log: ${JSON.stringify({ linesPerSecond, ...measured })}\n`);
    // What is shown is never behind what has come.
    expect(measured.mostBehindLines).toBeLessThanOrEqual(1);
    expect(measured.frames).toBeGreaterThan(10);

    await page.locator(".log-state.ended").waitFor();
    const whole = (await host.log(taskId)).trimEnd().split("\n");
    const numbers = whole.flatMap((each) => /^\S+line\S+ (\d+) of a fast task/.exec(each)?.[1] ?? []);
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => String(index + 1)));
    await page.locator(".log-facts", { hasText: `${whole.length.toLocaleString("en")} lines` }).waitFor();
    const middle = whole.findIndex((each) => each.includes(" 15000 of"));
    await dashboard.goto(`/tasks/${taskId}#L${middle + 1}`);
    await page.reload();
    await lineOf(page, middle + 1)
      .getByText("15000 of a fast task")
      .waitFor();
    expect(faults).toEqual([]);
  });
});

interface Frames {
  /** Milliseconds. */
  readonly longest: number;
  readonly median: number;
  readonly frames: number;
  readonly seconds: number;
  readonly mostBehindLines: number;
}

/** In the page: from the first line until the last one is shown. */
async function measureFrames(last: string): Promise<Frames> {
  const shown = () => document.querySelector(".log-lines")?.textContent ?? "";
  const nextFrame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
  while (!/line \d+ of a fast task/.test(shown())) await nextFrame();
  const durations: number[] = [];
  let mostBehindLines = 0;
  const begin = await nextFrame();
  for (let before = begin; !shown().endsWith(last); ) {
    const now = await nextFrame();
    durations.push(now - before);
    before = now;
    const facts = document.querySelector(".log-facts")?.textContent ?? "";
    const come = Number(/([\d,]+) lines/.exec(facts)?.[1]?.replaceAll(",", "") ?? 0);
    const seen = Number([...document.querySelectorAll(".log-number")].at(-1)?.textContent ?? 0);
    mostBehindLines = Math.max(mostBehindLines, come - seen);
  }
  const sorted = durations.toSorted((a, b) => a - b);
  return {
    longest: Math.round(sorted.at(-1) ?? 0),
    median: Math.round(sorted[sorted.length >> 1] ?? 0),
    frames: durations.length,
    seconds: Math.round((performance.now() - begin) / 100) / 10,
    mostBehindLines,
  };
}
