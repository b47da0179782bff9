#!/usr/bin/env node
// Finds a Node that is new enough, and starts the command line.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const REQUIRED_MAJOR = 24;
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

if (Number(process.versions.node.split(".")[0]) >= REQUIRED_MAJOR) {
  await start();
} else {
  restart();
}

async function start() {
  if (!existsSync(path("../dist/main.js"))) {
    process.stderr.write('boxcar: this checkout is not built yet; run "bash scripts/setup.sh"\n');
    process.exitCode = 2;
    return;
  }
  module.enableCompileCache();
  await import("../dist/main.js");
}

/** A checkout brings its own Node, which only npm scripts find by themselves. */
function restart() {
  const node = path("../node_modules/node/bin/node");
  if (!existsSync(node)) {
    process.stderr.write(`boxcar: Node ${REQUIRED_MAJOR} or newer is needed, and this is ${process.versions.node}\n`);
    process.exitCode = 2;
    return;
  }
  // Signals of the terminal go to both; only the child acts on them.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => {});
  const { status, signal } = spawnSync(node, [path("./boxcar.js"), ...process.argv.slice(2)], { stdio: "inherit" });
  if (signal === null) process.exitCode = status ?? 2;
  else process.kill(process.pid, "SIGKILL");
}
