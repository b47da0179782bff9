/** All that this host knows of runs: of those under way, and of what was kept. *Borrows* the queue. */
import { LiveRuns } from "./live-runs.ts";
import { RunReports } from "./run-reports.ts";
import { TaskLogs, type TaskLogsOptions } from "./task-logs.ts";
import { TaskMachines } from "./task-machines.ts";
import { TaskNetworks } from "./task-networks.ts";
import { TaskScreens } from "./task-screens.ts";

export class HostRuns {
  readonly live = new LiveRuns();
  readonly logs: TaskLogs;
  readonly networks: TaskNetworks;
  readonly machines: TaskMachines;
  readonly screens: TaskScreens;
  readonly reports: RunReports;

  constructor(options: TaskLogsOptions) {
    this.logs = new TaskLogs(options, this.live);
    this.networks = new TaskNetworks(this.logs, this.live);
    this.machines = new TaskMachines(this.logs, this.live);
    this.screens = new TaskScreens(this.logs, this.live);
    this.reports = new RunReports(this.logs, this.live);
  }
}
