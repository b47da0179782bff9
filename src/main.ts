/** The process: argument vector, environment, signals, exit code. Nothing else of Boxcar touches them. */
import { readFileSync } from "node:fs";
import { Cancellation } from "./base/errors.ts";
import { runCli } from "./cli/program.ts";
import { currentSurroundings } from "./config/host-facts.ts";
import { loadConfig } from "./config/load-config.ts";

const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => controller.abort(new Cancellation("canceled", `stopped by ${name}`)));
}

const packageFile = new URL("../package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };

await runCli(process.argv.slice(2), version, {
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
  loadConfig: async (file) => (await loadConfig(currentSurroundings(process.env), file)).config,
  setExitCode: (code) => {
    process.exitCode = code;
  },
});
