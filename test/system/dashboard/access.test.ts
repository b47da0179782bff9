/** Who may do what: each role logs in by the page, and what it may not do is neither offered nor possible. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ApiSession } from "../../../src/generated/api.ts";
import type { Dashboard } from "../../browser/dashboard.ts";
import { DashboardHost, type Role, SOON, WORKER } from "./host.ts";

let host: DashboardHost;
/** Of somebody else, for people, and running. */
let taskId: string;

beforeAll(async () => {
  host = await DashboardHost.open();
  taskId = await host.submit("echo ready; sleep 600", {
    role: "admin",
    name: "somebody else's",
    payload: { interactive: { keepAfter: "10 minutes" } },
  });
  await host.untilLogged(taskId, "\nready\n");
});

afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
});

async function logIn(role: Role): Promise<Dashboard> {
  const dashboard = await host.openAsNobody(`/tasks/${taskId}`);
  const { page } = dashboard;
  await page.waitForURL("**/login?returnTo=*");
  await page.getByLabel("Token").fill(host.tokenOf(role));
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.getByRole("heading", { name: "somebody else's" }).waitFor();
  return dashboard;
}

const places = (page: Page) => page.getByRole("navigation", { name: "Pages" }).getByRole("link").allTextContents();

interface Rights {
  readonly places: readonly string[];
  readonly taskButtons: readonly string[];
  readonly workerButtons: readonly string[];
  readonly display: "control" | "view";
  readonly shell: boolean;
}

const READER = ["Overview", "Tasks", "Machines", "Workers", "Images"];
const WORKER_BUTTONS = ["Pause", "Drain"];
const TASK_BUTTONS = ["Run again and keep it for me", "Cancel"];

const RIGHTS: Readonly<Record<Role, Rights>> = {
  viewer: { places: READER, taskButtons: [], workerButtons: [], display: "view", shell: false },
  submitter: {
    ...{ places: [...READER, "Submit"], taskButtons: ["Run again and keep it for me"], workerButtons: [] },
    ...{ display: "view", shell: false },
  },
  operator: {
    ...{ places: [...READER, "Submit"], taskButtons: TASK_BUTTONS, workerButtons: WORKER_BUTTONS },
    ...{ display: "control", shell: true },
  },
  admin: {
    ...{ places: [...READER, "Submit", "Audit"], taskButtons: TASK_BUTTONS },
    ...{ workerButtons: [...WORKER_BUTTONS, "Stop"], display: "control", shell: true },
  },
};

interface Attempt {
  readonly method: "GET" | "POST";
  readonly path: () => string;
  readonly body?: object;
  /** Answers to viewer, submitter, operator, admin; none where asking would be doing. */
  readonly answers: readonly (number | undefined)[];
}

const run = () => `/tasks/${taskId}/runs/0`;
const WRONG_TASK = { payload: { command: [] } };

const ATTEMPTS: Readonly<Record<string, Attempt>> = {
  "cancel the task of somebody else": {
    ...{ method: "POST", path: () => `/tasks/${taskId}/cancel`, answers: [403, 403, undefined, undefined] },
  },
  "keep the machine of somebody else": {
    ...{ method: "POST", path: () => `${run()}/keep`, body: { for: "11 minutes" }, answers: [403, 403, 200, 200] },
  },
  "get a shell": {
    ...{ method: "POST", path: () => `${run()}/links`, body: { kind: "shell" }, answers: [403, 403, 201, 201] },
  },
  "get a display to type at": {
    ...{ method: "POST", path: () => `${run()}/links`, body: { kind: "display", mode: "control" } },
    answers: [403, 403, 201, 201],
  },
  "submit a task": { method: "POST", path: () => "/tasks", body: WRONG_TASK, answers: [403, 400, 400, 400] },
  "pause the worker": {
    ...{ method: "POST", path: () => `/workers/${WORKER}/pause`, answers: [403, 403, 200, 200] },
  },
  "stop the worker": {
    ...{ method: "POST", path: () => `/workers/${WORKER}/stop`, answers: [403, 403, 403, undefined] },
  },
  "read the audit log": { method: "GET", path: () => "/audit", answers: [403, 403, 403, 200] },
};

/** With the session of the page, and past it. @param csrf None: it is left out. */
async function attempt(page: Page, { method, path, body }: Attempt, csrf?: string): Promise<number> {
  const response = await page.request.fetch(`${host.origin}/api/v1${path()}`, {
    method,
    headers: csrf === undefined ? {} : { "x-boxcar-csrf": csrf },
    ...(method === "POST" ? { data: body ?? {} } : {}),
  });
  return response.status();
}

async function expectOffers(page: Page, rights: Rights): Promise<void> {
  const tab = (name: string) => page.getByRole("navigation", { name: "Parts of the run" }).getByRole("link", { name });
  expect(await places(page)).toEqual(rights.places);
  expect(await page.locator(".page-header button").allTextContents()).toEqual(rights.taskButtons);

  await tab("Display").click();
  await page.locator('[data-state="connected"] canvas').waitFor();
  const mode = rights.display === "control" ? "Control" : "View only";
  await expect.poll(() => page.locator(".screen-mode").textContent(), SOON).toBe(mode);
  expect(await page.getByRole("button", { name: "Ctrl-Alt-Del" }).count()).toBe(rights.display === "control" ? 1 : 0);
  expect(await page.getByRole("button", { name: "Take control" }).count()).toBe(0);

  await tab("Terminal").click();
  if (rights.shell) await page.locator(".shell-tabs .dot.open").waitFor();
  else await page.getByText("You may not have a shell in this machine.").waitFor();

  await page.getByRole("link", { name: "Workers", exact: true }).click();
  const buttons = page.locator(".worker header button");
  await page.locator(".worker").waitFor();
  await expect.poll(() => buttons.allTextContents(), SOON).toEqual(rights.workerButtons);
}

describe.each(Object.entries(RIGHTS) as [Role, Rights][])("a %s", (role, rights) => {
  it("logs in, is offered what it may do, does no more, and logs out", async () => {
    await using dashboard = await logIn(role);
    const { page } = dashboard;
    await expectOffers(page, rights);

    const { csrf, principal } = (await (await page.request.get(`${host.origin}/api/v1/session`)).json()) as ApiSession;
    expect(principal).toEqual({ name: role, role, via: "session" });
    const index = Object.keys(RIGHTS).indexOf(role);
    for (const [what, each] of Object.entries(ATTEMPTS)) {
      const wanted = each.answers[index];
      if (wanted === undefined) continue;
      expect(await attempt(page, each, csrf), what).toBe(wanted);
      // Without the header, it may be the doing of another page.
      if (each.method === "POST") expect(await attempt(page, each), what).toBe(403);
    }

    await host.ask("admin", "POST", `/workers/${WORKER}/resume`);

    await page.getByRole("button", { name: role, exact: true }).click();
    await page.getByRole("menuitem", { name: "Log out" }).click();
    await page.waitForURL("**/login");
    const reading = { method: "GET", path: () => "/tasks", answers: [] } as const;
    expect(await attempt(page, reading)).toBe(401);
    expect(dashboard.faults).toEqual([]);
  });
});

describe("the audit log", () => {
  it("has who did it, and who was refused", async () => {
    await using dashboard = await host.open("admin", "/audit");
    const { page, faults } = dashboard;
    const rows = page.locator(".audit-table tbody tr");
    await rows.first().waitFor();
    const expectRow = async (who: string, what: string, more: string) => {
      await page.getByLabel("Filter").fill(`${who} ${what} ${more}`);
      const row = rows.filter({ hasText: who }).filter({ hasText: what }).filter({ hasText: more });
      await row.first().waitFor();
      await expect.poll(() => rows.count(), SOON).toBe(await row.count());
    };
    await expectRow("viewer", "cancelTask", "refused");
    await expectRow("operator", "pauseWorker", "ok");
    await expectRow("operator", "shell.begin", taskId);
    await expectRow("admin", "submitTask", taskId);
    expect(faults).toEqual([]);
  });
});

describe("a worker", () => {
  it("is paused and resumed on its page, and says why it claims nothing", async () => {
    await using dashboard = await host.open("operator", "/workers");
    const { page, faults } = dashboard;
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("a new disk");
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
    await page.locator(".worker .badge", { hasText: "paused" }).waitFor();
    await page.locator(".worker-why", { hasText: "a new disk" }).waitFor();
    const waiting = await host.submit("true", { name: "waits" });
    await dashboard.goto(`/tasks/${waiting}`);
    await page.locator(".why-text", { hasText: `${WORKER} is paused` }).waitFor();
    await dashboard.goto("/workers");
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
    await host.untilEnded(waiting);
    expect((await host.show(waiting)).state).toBe("completed");
    expect(faults).toEqual([]);
  });
});

describe("the images of a worker", () => {
  it("are listed, with what they are", async () => {
    await using dashboard = await host.open("viewer", "/images");
    const { page, faults } = dashboard;
    const image = page.getByRole("article", { name: "debian-minimal" });
    await image.getByText("Details of debian-minimal").click();
    await image.getByText("Snapshots").waitFor();
    expect(await image.getByRole("button").count()).toBe(0);
    expect(faults).toEqual([]);
  });
});

describe("a link to a machine", () => {
  it.each(["display", "shell"] as const)("of kind %s works once, without a login", async (kind) => {
    const link = await host.ask("operator", "POST", `${run()}/links`, { kind, mode: "control" });
    const { path } = link.body as { path: string };
    await expectWorksOnce(path, kind);
  });

  it("of boxcar vnc --url works once", async () => {
    const { stdout, stderr } = await host.workers.run("vnc", taskId, "--url");
    expect(stdout, stderr).toContain(host.origin);
    await expectWorksOnce(stdout.trim().slice(host.origin.length), "display");
  });
});

async function expectWorksOnce(path: string, kind: "display" | "shell"): Promise<void> {
  const connected = kind === "display" ? '[data-state="connected"] canvas' : ".shell .xterm-rows";
  await using first = await host.openAsNobody(path);
  await first.page.locator(connected).first().waitFor();
  expect(first.page.url()).toBe(`${host.origin}/link`);
  if (kind === "shell") await first.page.getByText("connected", { exact: true }).waitFor();
  expect(first.faults).toEqual([]);
  await using second = await host.openAsNobody(path);
  const refused = kind === "display" ? "This link has been used, or has expired" : "not connected";
  await second.page.getByText(refused).first().waitFor();
}
