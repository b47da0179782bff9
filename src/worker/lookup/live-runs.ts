/** The runs that are under way on this host, for whoever asks about one. */
import type { LiveMachine } from "../../feature/interactive/live-machine.ts";
import type { NetworkReportSource } from "../../feature/network/report.ts";
import type { ScreensSource } from "../../feature/screens/pictures.ts";
import type { LogSource } from "../../log/log-source.ts";
import type { RunReportParts } from "../run-report.ts";

export interface LiveScreens {
  readonly source: ScreensSource;
  /** Absolute path of the folder that artifacts of the run are in, until they are with the queue. */
  readonly directory: string;
}

/** What a run can be asked for; undefined: it is not there, yet or any more. */
export interface LiveRun {
  readonly log: LogSource | undefined;
  readonly network: NetworkReportSource | undefined;
  readonly machine: LiveMachine | undefined;
  readonly screens: LiveScreens | undefined;
  readonly report: RunReportParts | undefined;
}

export class LiveRuns {
  readonly #runs = new Map<string, Partial<LiveRun>>();

  /** A run begins that can be asked; forgotten on disposal. */
  announce(taskId: string, runId: number, run: Partial<LiveRun>): Disposable {
    const key = keyOf({ taskId, runId });
    this.#runs.set(key, run);
    return { [Symbol.dispose]: () => void this.#runs.delete(key) };
  }

  get(key: { taskId: string; runId: number }): Partial<LiveRun> | undefined {
    return this.#runs.get(keyOf(key));
  }

  isAnnounced(taskId: string, runId: number): boolean {
    return this.#runs.has(keyOf({ taskId, runId }));
  }

  /** In the order in which they began. */
  all(): Partial<LiveRun>[] {
    return [...this.#runs.values()];
  }
}

function keyOf({ taskId, runId }: { taskId: string; runId: number }): string {
  return `${taskId}/${runId}`;
}
