/** A person at a real machine through the page: at its screen, in shells, and after the command of its task. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DashboardHost, SOON } from "./host.ts";
import { lit, PROMPT, shellText, untilScreenShown, untilShellShows } from "./screen.ts";

let host: DashboardHost;
/** Reads what is typed at its console, and says so; `paint` fills a part of its screen. */
let taskId: string;

const CONSOLE = [
  "exec 3<> /dev/tty1",
  "printf '\\033[?25l\\033[2J\\033[Htype here\\n' >&3",
  "echo ready",
  "while read -r line <&3; do",
  '  if [ "$line" = paint ]; then printf \'\\033[47m%*s\\033[0m\\n\' 1200 "" >&3; fi',
  '  echo "typed: $line"',
  "done",
].join("\n");

beforeAll(async () => {
  host = await DashboardHost.open();
  taskId = await host.submit(CONSOLE, {
    name: "a console",
    role: "submitter",
    payload: { interactive: { keepAfter: "10 minutes" }, machine: { keyboard: "PS/2" } },
  });
  await host.untilLogged(taskId, "\nready\n");
});

afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
});

const tab = (name: "display" | "terminal") => `/tasks/${taskId}/runs/0/${name}`;

/** Goes from one thing to the next by keyboard, as long as it takes. */
async function tabTo(page: Page, label: string): Promise<void> {
  const focused = () =>
    page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent);
  for (let steps = 0; (await focused()) !== label; steps++) {
    if (steps > 60) throw new Error(`${label} is not reached by keyboard`);
    await page.keyboard.press("Tab");
  }
}

describe("the screen of a machine", () => {
  it("changes by what is typed into it, for all who look; who only looks changes nothing", async () => {
    await using user = await host.open("submitter", tab("display"));
    await using looker = await host.open("viewer", tab("display"));
    const before = [await untilScreenShown(user.page), await untilScreenShown(looker.page)] as const;

    await looker.page.locator(".screen-target canvas").click();
    await looker.page.keyboard.type("intruder\n");
    await user.page.locator(".screen-target canvas").click();
    await user.page.keyboard.type("paint\n");
    await host.untilLogged(taskId, "typed: paint");
    for (const [index, { page }] of [user, looker].entries()) {
      await expect.poll(() => lit(page), SOON).toBeGreaterThan((before[index] ?? 0) + 20_000);
    }
    await user.picture("real-display-typed");
    await user.page.keyboard.type("after\n");
    await host.untilLogged(taskId, "typed: after");
    expect((await host.log(taskId)).match(/typed: .*/g)).toEqual(["typed: paint", "typed: after"]);

    await user.page.getByText("2 viewers").waitFor();
    expect([...user.faults, ...looker.faults]).toEqual([]);
  });

  it("has its keys and its clipboard at the keyboard, and another mode", async () => {
    await using dashboard = await host.open("operator", tab("display"));
    const { page, faults } = dashboard;
    await untilScreenShown(page);
    await tabTo(page, "Ctrl-Alt-Del");
    await tabTo(page, "Clipboard");
    await page.keyboard.press("Enter");
    await page.getByLabel("To the machine").fill("some text");
    await page.getByRole("button", { name: "Send", exact: true }).press("Enter");
    await page.getByText("Sent to the clipboard of the machine.").waitFor();
    await page.getByRole("button", { name: "View only" }).click();
    await page.getByRole("button", { name: "Take control" }).waitFor();
    await untilScreenShown(page);
    expect(await page.getByRole("button", { name: "Ctrl-Alt-Del" }).count()).toBe(0);
    expect(await dashboard.accessibilityFaults()).toEqual([]);
    expect(faults).toEqual([]);
  });
});

async function askSize(page: Page, count: number): Promise<{ rows: number; columns: number }> {
  await page.keyboard.type(`echo size ${count}: $(stty size)\n`);
  const line = new RegExp(`^size ${count}: (\\d+) (\\d+)`, "m");
  await untilShellShows(page, line);
  const [, rows, columns] = line.exec(await shellText(page)) ?? [];
  return { rows: Number(rows), columns: Number(columns) };
}

describe("a shell in a machine", () => {
  it("runs commands, has the size of the page, and says how it has ended", async () => {
    await using dashboard = await host.open("submitter", tab("terminal"));
    const { page, faults } = dashboard;
    await untilShellShows(page, PROMPT);
    await page.keyboard.type("echo $((6 * 7)) of $(cat /proc/sys/kernel/ostype)\n");
    await untilShellShows(page, /^42 of Linux/m);

    const wide = await askSize(page, 1);
    await page.setViewportSize({ width: 760, height: 620 });
    await expect
      .poll(() => page.locator(".xterm-rows").evaluate((rows) => rows.children.length), SOON)
      .not.toBe(wide.rows);
    const narrow = await askSize(page, 2);
    expect(narrow.columns).toBeLessThan(wide.columns);
    expect(narrow.rows).toBe(await page.locator(".xterm-rows").evaluate((rows) => rows.children.length));

    await page.keyboard.type("exit 3\n");
    await untilShellShows(page, /the shell has ended with an error/);
    await page.getByRole("status").getByText("has ended with an error").waitFor();
    await page.getByRole("button", { name: "New shell" }).click();
    await untilShellShows(page, PROMPT);
    await page.keyboard.type("exit\n");
    await untilShellShows(page, /\[the shell has ended\]/);
    expect(faults).toEqual([]);
  });
});

describe("a task that is run again and kept", () => {
  it("has its machine for who asked when its command has ended, until it is released", async () => {
    const original = await host.submit("touch /tmp/left; exit 4", { name: "to look into", role: "admin" });
    await host.untilEnded(original);
    await using dashboard = await host.open("submitter", `/tasks/${original}`);
    const { page, faults } = dashboard;
    await page.getByRole("button", { name: "Run again and keep it for me" }).click();
    await page.getByRole("dialog").getByLabel("How many minutes").fill("5");
    await page.getByRole("dialog").getByRole("button", { name: "Run it" }).click();
    await page.waitForURL((url) => !url.pathname.includes(original));
    await page.getByText("The command has ended. The machine is kept for").waitFor();

    await page.getByRole("button", { name: "Keep 30 minutes from now" }).click();
    await page.getByText(/kept for (?:29|30) min/).waitFor();
    await page.getByRole("link", { name: "Terminal" }).click();
    await untilShellShows(page, PROMPT);
    await page.keyboard.type("ls /tmp/left\n");
    await untilShellShows(page, /^\/tmp\/left/m);

    await page.getByRole("button", { name: "Release it" }).click();
    await page.locator(".why-text", { hasText: "ended with exit code 4" }).waitFor();
    await page.getByText("The machine of this run is gone.").waitFor();
    expect(faults).toEqual([]);
  });
});
