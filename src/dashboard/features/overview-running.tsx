import type { ApiMachine, ApiTask } from "../../generated/api.ts";
import { shortId } from "../core/format.ts";
import { taskPath } from "../core/routes.ts";
import { lastRun } from "../core/tasks.ts";
import { Icon } from "../ui/icon.tsx";
import { Elapsed, Remaining } from "../ui/time.tsx";
import { Thumbnail } from "./screens/thumbnail.tsx";

/** A card for each task that runs, with what its machine shows. */
export function RunningCards({ tasks, machines }: { tasks: readonly ApiTask[]; machines: readonly ApiMachine[] }) {
  return (
    <ul class="running">
      {cardsOf(tasks, machines).map((card) => (
        <li key={card.taskId}>
          <Card {...card} />
        </li>
      ))}
    </ul>
  );
}

interface CardFacts {
  readonly taskId: string;
  readonly run: number;
  readonly name: string | undefined;
  readonly workerId: string | undefined;
  readonly since: string | undefined;
  readonly phase: string;
  readonly hasScreen: boolean;
  readonly keptUntil: string | undefined;
}

/** Machines know more; a task whose machine is not there yet has a card all the same. */
function cardsOf(tasks: readonly ApiTask[], machines: readonly ApiMachine[]): CardFacts[] {
  const seen = new Set(machines.map(({ taskId }) => taskId));
  const own = machines.map((machine) => ({
    ...machine,
    run: machine.runId,
    name: machine.name,
    hasScreen: machine.display,
    keptUntil: machine.keptUntil,
  }));
  const others = tasks
    .filter(({ taskId, state }) => state === "running" && !seen.has(taskId))
    .map((task) => ({
      taskId: task.taskId,
      run: lastRun(task)?.runId ?? 0,
      name: task.name,
      workerId: lastRun(task)?.workerId,
      since: lastRun(task)?.started,
      phase: "running",
      hasScreen: false,
      keptUntil: undefined,
    }));
  return [...own, ...others];
}

function Card({ taskId, run, name, workerId, since, phase, hasScreen, keptUntil }: CardFacts) {
  return (
    <a class="card running-card" href={taskPath(taskId)}>
      {hasScreen ? (
        <Thumbnail machine={{ task: taskId, run }} />
      ) : (
        <div class="thumbnail">
          <Icon name="terminal" />
        </div>
      )}
      <div class="running-facts">
        <p class="running-name">{name ?? <code>{shortId(taskId)}</code>}</p>
        <p class="small quiet-text running-line">
          <span class="phase">{keptUntil === undefined ? phase : "kept"}</span>
          <span class="number">
            {keptUntil !== undefined ? <Remaining until={keptUntil} /> : undefined}
            {keptUntil === undefined && since !== undefined ? <Elapsed since={since} /> : undefined}
          </span>
          <span class="running-worker">{workerId}</span>
        </p>
      </div>
    </a>
  );
}
