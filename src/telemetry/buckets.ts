/** Upper bounds of histograms, in seconds. */

/** Phases of a run: a machine of the pool starts in 10 ms, a command may take a day. */
export const PHASE_SECONDS = [
  ...[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ...[60, 180, 600, 1_800, 3_600, 10_800, 43_200, 86_400],
];

/** What a task waits for a worker. */
export const WAIT_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];

/** Requests; who follows a log keeps one open. */
export const REQUEST_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300, 3_600];
