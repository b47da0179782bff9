/** A view server with the whole fleet of views.ts. */
import sharp from "sharp";
import { type Answers, File, ViewServer, wholeLog } from "./view-server.ts";
import {
  ARTIFACTS,
  ago,
  DETAILS,
  FAILED,
  LOG,
  MACHINES,
  NETWORK,
  QUEUE,
  REPORT,
  RUNNING,
  RUNNING_DETAILS,
  RUNNING_REPORT,
  SESSION,
  TASKS,
  WORKERS,
} from "./views.ts";

export async function startFleet(more: Answers = {}): Promise<ViewServer> {
  const screens = await Promise.all(Array.from({ length: 12 }, (_, index) => drawScreen(index)));
  const shots = screens.map((_, index) => ({ time: ago(780 - index * 15), name: `screen-${index}.png` }));
  const failedRun = `/tasks/${DETAILS.taskId}/runs/1`;
  const runningRun = `/tasks/${RUNNING_DETAILS.taskId}/runs/0`;
  const server = await ViewServer.start({
    "/session": SESSION,
    "/queue": QUEUE,
    "/tasks": listTasks,
    "/machines": MACHINES,
    "/workers": WORKERS,
    [`/tasks/${DETAILS.taskId}`]: DETAILS,
    [failedRun]: REPORT,
    [`/tasks/${DETAILS.taskId}/runs/0`]: { ...REPORT, runId: 0, state: "exception", steps: [] },
    [`${failedRun}/screenshots`]: shots,
    ...Object.fromEntries(shots.map(({ name }, index) => [`${failedRun}/screenshots/${name}`, screens[index]])),
    [`${failedRun}/artifacts`]: ARTIFACTS,
    [`${failedRun}/network`]: NETWORK,
    [`/tasks/${RUNNING_DETAILS.taskId}`]: RUNNING_DETAILS,
    [runningRun]: RUNNING_REPORT,
    ...Object.fromEntries(RUNNING.map(({ taskId }, index) => [`/tasks/${taskId}/runs/0/screen`, screens[index]])),
    ...more,
  });
  server.logs.set(`${failedRun}/logs/task.log`, wholeLog(LOG));
  server.logs.set(`${runningRun}/logs/task.log`, (client, from) => {
    client.send(JSON.stringify({ offset: from }));
    client.send(Buffer.from(LOG.slice(0, 2_000)).subarray(from));
  });
  return server;
}

function listTasks({ state, search, queue, limit, before }: Record<string, string | undefined>) {
  const all = state === "failed,exception" ? FAILED : TASKS;
  const from = before === undefined ? 0 : all.findIndex(({ taskId }) => taskId === before) + 1;
  return all
    .slice(from)
    .filter((task) => state === undefined || state.split(",").includes(task.state))
    .filter((task) => queue === undefined || task.queue === queue)
    .filter((task) => search === undefined || task.name?.includes(search) === true)
    .slice(0, Number(limit ?? 100));
}

/** A text console with some lines. */
export async function drawScreen(index: number): Promise<File> {
  const lines = Array.from({ length: 18 }, (_, line) => {
    const text =
      line === 17
        ? "_"
        : `[ ${((line + 1) * (index + 1) * 0.37).toFixed(6)} ] machine ${index}: line ${line + index} of its console`;
    return `<text x="12" y="${28 + line * 24}" font-family="DejaVu Sans Mono, monospace" font-size="17" fill="#c9d3d6">${text}</text>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="720" height="450"><rect width="720" height="450" fill="#0b0f10"/>${lines.join("")}</svg>`;
  return new File("image/png", await sharp(Buffer.from(svg)).png().toBuffer());
}
