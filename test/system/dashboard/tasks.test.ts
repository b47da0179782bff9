/** Tasks in the page, from writing them to what they have left. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DashboardHost, SOON } from "./host.ts";

let host: DashboardHost;

beforeAll(async () => {
  host = await DashboardHost.open({ capacity: 1 });
});

afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
});

describe("a task that is written in the page", () => {
  it("is checked while one types, submitted, and runs", async () => {
    await using dashboard = await host.open("submitter", "/submit");
    const { page, faults } = dashboard;
    await page.getByLabel("Name", { exact: true }).fill("written by hand");
    await page
      .getByLabel("Command", { exact: true })
      .fill("echo by hand, with $(grep -c ^processor /proc/cpuinfo) CPU");
    const memory = page.getByLabel("Memory, MiB");
    await memory.pressSequentially("lots");
    const field = page.locator(".form-field").filter({ has: memory });
    const submit = page.getByRole("button", { name: "Submit", exact: true });
    await field.getByText('must be a whole number, not "lots"').waitFor();
    expect(await submit.isDisabled()).toBe(true);
    await memory.fill("999999");
    await page.locator(".issues", { hasText: "payload.machine.memory" }).waitFor();
    expect(await submit.isDisabled()).toBe(true);
    await memory.fill("256");
    await page.getByText("Nothing is wrong with it.").waitFor();
    await submit.click();
    await page.getByRole("heading", { name: "written by hand" }).waitFor();
    await page.locator(".why-text", { hasText: "It completed after" }).waitFor();
    await page.locator(".log-text", { hasText: /^by hand, with 1 CPU$/ }).waitFor();
    await page.locator(".run-facts", { hasText: "submitter" }).waitFor();
    expect(faults).toEqual([]);
  });
});

describe("a task", () => {
  it("is cancelled with a reason and run again by buttons, and says why it is where it is", async () => {
    const taskId = await host.submit("echo begun; sleep 600", { name: "endless" });
    await host.untilLogged(taskId, "\nbegun\n");
    const waiting = await host.submit("true", { name: "behind it" });
    await using dashboard = await host.open("operator", `/tasks/${waiting}`);
    const { page, faults } = dashboard;
    await page.locator(".why-text", { hasText: "The only worker of its task queue is full" }).waitFor();
    const elsewhere = await host.submit("true", { task: { queue: "nowhere" } });
    await dashboard.goto(`/tasks/${elsewhere}`);
    await page.locator(".why-text", { hasText: 'No worker serves the task queue "nowhere"' }).waitFor();

    await dashboard.goto(`/tasks/${taskId}`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("dialog").getByLabel("Why").fill("it does not end");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel the task" }).click();
    await page.locator(".why-text", { hasText: "It was canceled: it does not end" }).waitFor();
    await page.getByRole("button", { name: "Rerun" }).click();
    await page.getByRole("link", { name: "Run 1 running" }).waitFor();
    await page.locator(".log-text", { hasText: /^begun$/ }).waitFor();
    await host.ask("operator", "POST", `/tasks/${taskId}/cancel`, {});
    await page.locator(".why-text", { hasText: "It was canceled" }).waitFor();
    expect(faults).toEqual([]);
  });

  it("shows where its time went, step by step, and why it failed", async () => {
    const steps = [
      { name: "build", command: ["sh", "-c", "echo built"] },
      { name: "test", command: ["sh", "-c", "echo 'one is wrong'; exit 5"] },
      { name: "publish", command: ["true"] },
    ];
    const taskId = await host.submit("", { name: "in steps", payload: { command: undefined, steps } });
    await using dashboard = await host.open("viewer", `/tasks/${taskId}`);
    const { page, faults } = dashboard;
    await page.locator(".why-text", { hasText: 'Its step "test" ended with exit code 5' }).waitFor();
    const rows = page.locator(".timeline > li .phase-name");
    await expect
      .poll(() => rows.allTextContents(), SOON)
      .toEqual(expect.arrayContaining(["image", "start", "run", "release"]));
    const told = page.locator(".steps li");
    await expect.poll(() => told.count(), SOON).toBe(3);
    expect(await told.nth(1).textContent()).toContain("exit 5");
    expect(await told.nth(2).textContent()).toContain("not run");
    expect(faults).toEqual([]);
  });

  it("has the pictures of its screen while it runs, and afterwards", async () => {
    const taskId = await host.submit("until [ -e /tmp/end ]; do date > /dev/tty1; sleep 0.5; done", {
      name: "a film",
      payload: { screenshots: { every: 1 } },
    });
    await expectThumbnail("a film");
    await using dashboard = await host.open("viewer", `/tasks/${taskId}/runs/0/screenshots`);
    const { page, faults } = dashboard;
    const large = page.locator("img.screenshot");
    await large.waitFor();
    await expect.poll(() => page.locator("figcaption").textContent(), SOON).toContain("the latest");
    await expect.poll(() => page.locator(".strip img").count(), SOON).toBeGreaterThan(1);
    await host.inMachine(taskId, "touch /tmp/end");
    await expect.poll(() => page.locator("figcaption").textContent(), SOON).not.toContain("the latest");
    expect(await page.locator(".strip img").count()).toBeGreaterThan(1);
    expect(await large.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(300);
    expect(faults).toEqual([]);
  });
});

async function expectThumbnail(name: string): Promise<void> {
  await using overview = await host.open("viewer", "/");
  const thumbnail = overview.page.locator(".running-card", { hasText: name }).locator("img");
  await expect.poll(() => thumbnail.evaluate((image: HTMLImageElement) => image.naturalWidth), SOON).toBeGreaterThan(0);
  expect(overview.faults).toEqual([]);
}

const PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGOo/oYdMQwtCewEAIVVf4GGRnEQAAAAAElFTkSuQmCC";
const HOSTILE =
  '<title>mine</title><script>top.document.title = "taken over"; fetch("/api/v1/tasks")</script><h1>harmless</h1>';

const LEAVE = [
  "mkdir out && cd out",
  "seq -f 'number %g' 1 40 > numbers.txt",
  `echo '{"passed":412,"slowest":["couple","roll"]}' > summary.json`,
  `echo '${PICTURE}' | base64 -d > dot.png`,
  `echo '${HOSTILE}' > page.html`,
].join("\n");

describe("what a task has left", () => {
  it("is shown as what it is, downloaded as it was, and never runs", async () => {
    const artifacts = [{ name: "public/out", path: "out", type: "directory" }];
    const taskId = await host.submit(LEAVE, { name: "leaves things", payload: { artifacts } });
    await host.untilEnded(taskId);
    await using dashboard = await host.open("viewer", `/tasks/${taskId}/runs/0/artifacts`);
    const { page, faults } = dashboard;
    const open = (name: string) => page.getByRole("link", { name, exact: true }).click();
    await open("numbers.txt");
    await page.locator(".artifact-text", { hasText: "number 40" }).waitFor();
    await open("summary.json");
    await page.locator(".artifact-text", { hasText: '"passed": 412' }).waitFor();
    await open("dot.png");
    const picture = page.locator(".artifact-picture img");
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth), SOON).toBe(8);

    await open("page.html");
    await page.locator(".artifact-text", { hasText: "<h1>harmless</h1>" }).waitFor();
    expect(await page.getByRole("heading", { name: "harmless" }).count()).toBe(0);
    await page.getByRole("button", { name: "Page, without scripts" }).click();
    await page.frameLocator("iframe").getByRole("heading", { name: "harmless" }).waitFor();
    expect(await page.title()).not.toContain("taken over");
    // The browser says that it has refused the script; nothing else is wrong.
    expect(faults.filter((fault) => !/^console: Blocked script execution in .*page\.html/.test(fault))).toEqual([]);

    const coming = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download public/out/numbers.txt" }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toBe("numbers.txt");
    const lines = Array.from({ length: 40 }, (_, index) => `number ${index + 1}\n`);
    expect(await readFile(await download.path(), "utf8")).toBe(lines.join(""));

    // By its own address too: with what the answer says, no script of it runs.
    const address = `${host.origin}/api/v1/tasks/${taskId}/runs/0/artifacts/public/out/page.html`;
    const answer = await page.request.get(address);
    expect(answer.headers()["content-security-policy"]).toMatch(/sandbox/);
    await page.goto(address);
    await page.getByRole("heading", { name: "harmless" }).waitFor();
    expect(await page.title()).toBe("mine");
  });
});
