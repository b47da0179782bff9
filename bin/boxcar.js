#!/usr/bin/env node
// Finds a Node that is new enough, and starts the command line.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const REQUIRED_MAJOR = 24;
/**
 * Node does not give back what it had for young objects while it was busy, and lets a heap that is small grow fourfold
 * before it collects; only its command line can limit that.
 */
const WORKER_FLAGS = ["--max-semi-space-size=2", "--heap-growing-percent=30"];
const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

if (Number(process.versions.node.split(".")[0]) >= REQUIRED_MAJOR) {
  await start();
} else {
  restart();
}

async function start() {
  if (!existsSync(path("../dist/command/main.js"))) {
    process.stderr.write('boxcar: this checkout is not built yet; run "bash scripts/setup.sh"\n');
    process.exitCode = 2;
    return;
  }
  const isWorker = process.argv.includes("worker");
  if (isWorker && !process.execArgv.includes(WORKER_FLAGS[0])) {
    const { argv, env, execArgv, execPath } = process;
    // The same process goes on with it.
    process.execve?.(execPath, [execPath, ...execArgv, ...WORKER_FLAGS, ...argv.slice(1)], env);
  }
  module.enableCompileCache();
  await import("../dist/command/main.js");
}

/** A checkout brings its own Node, which only npm scripts find by themselves. */
function restart() {
  const node = path("../node_modules/node/bin/node");
  if (!existsSync(node)) {
    process.stderr.write(`boxcar: Node ${REQUIRED_MAJOR} or newer is needed, and this is ${process.versions.node}\n`);
    process.exitCode = 2;
    return;
  }
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  // Before the start: a signal that comes in between would end this process and leave the other one alone.
  for (const name of signals) process.on(name, () => child.kill(name));
  const child = spawn(node, [path("./boxcar.js"), ...process.argv.slice(2)], { stdio: "inherit" });
  child.on("error", (error) => {
    process.stderr.write(`boxcar: ${node} does not start: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    // Whoever waits for this process is to see what ended the other one.
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}
