/** The process: argument vector, environment, signals, exit code. Nothing else of Boxcar touches them. */
import { Cancellation } from "./base/errors.ts";
import { runCli } from "./cli/program.ts";
import { currentSurroundings } from "./config/host-facts.ts";

const [first, second] = [new AbortController(), new AbortController()];
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    const controller = first.signal.aborted ? second : first;
    controller.abort(new Cancellation("canceled", `stopped by ${name}`));
  });
}

const surroundings = currentSurroundings(process.env);

await runCli(process.argv.slice(2), {
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: first.signal,
  hurry: second.signal,
  surroundings,
  loadConfig: async (file) => {
    // Not every command has a configuration, and a validator takes its time to load.
    const { loadConfig } = await import("./config/load-config.ts");
    const { config, warnings } = await loadConfig(surroundings, file);
    for (const warning of warnings) process.stderr.write(`boxcar: warning: ${warning}\n`);
    return config;
  },
  setExitCode: (code) => {
    process.exitCode = code;
  },
});
