/**
 * Runs a payload on this host for a person who watches: the log on the terminal, everything else in a folder.
 *
 * *Owns* the image store it opens and the files of the output folder.
 */
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { finished } from "node:stream/promises";
import { DirectoryStore } from "../../artifact/directory-store.ts";
import { messageOf } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import { FEATURES } from "../../feature/all.ts";
import type { ParsedPayload } from "../../feature/payload.ts";
import { finalScreen } from "../../feature/screens/final-screen.ts";
import { reclaimDirectories } from "../../host/owned-directory.ts";
import { throttledProgress } from "../../image/progress.ts";
import { acquireImage } from "../../image/source/acquire.ts";
import { EVERY_SOURCE } from "../../image/source/policy.ts";
import type { ImageSpec } from "../../image/source/spec.ts";
import { TaskLog } from "../../log/task-log.ts";
import { openSnapshots } from "../../snapshot/open-snapshots.ts";
import { maskOf } from "../../worker/run-log.ts";
import type { TaskResult } from "../../worker/task-result.ts";
import { runTask } from "../../worker/task-run.ts";
import { chooseAccelerator } from "../accelerator.ts";
import { lazyArtifactOrigin } from "../artifact-origin.ts";
import type { CliContext } from "../context.ts";
import { agentFile } from "../guest-programs.ts";
import { imageHooks } from "../image-hooks.ts";
import { openNetworks } from "../networks.ts";
import { ProgressBar } from "../progress-bar.ts";
import { openStore } from "../store.ts";
import { claimOutputFolder } from "./output-folder.ts";

export interface LocalRun {
  payload: ParsedPayload;
  config: Config;
  flags: { output?: string; image?: string; screenshot?: string; cold?: boolean; allowUnsigned?: boolean };
  context: CliContext;
}

export async function runLocally({ payload, config, flags, context }: LocalRun): Promise<TaskResult> {
  const { signal, cwd, stdout, stderr } = context;
  const taskId = randomBytes(6).toString("hex");
  const output = resolve(cwd, flags.output ?? join("boxcar-output", taskId));
  const artifacts = new DirectoryStore(join(output, "artifacts"));
  const runParent = join(config.runDir, "m");
  const stateParent = join(config.stateDir, "machines");
  for (const parent of [runParent, stateParent]) await reclaimDirectories(parent);
  await using store = await openStore(config);
  await using networks = await openNetworks(config);
  await using scope = new Scope();
  using bar = stderr.isTTY === true ? new ProgressBar(stderr) : undefined;

  await claimOutputFolder(output);
  const logFile = createWriteStream(join(output, "task.log"));
  const log = new TaskLog(
    [
      { guest: stdout, worker: bar?.output ?? stderr },
      { guest: logFile, worker: logFile },
    ],
    { mask: maskOf(payload, config) },
  );

  const result = await runTask({
    taskId,
    runId: 0,
    payload,
    config,
    log,
    artifacts,
    agentFile,
    networks,
    cold: flags.cold ?? false,
    signal,
    runParent,
    stateParent,
    cacheDirectory: join(config.stateDir, "cache"),
    directory: output,
    features: flags.screenshot === undefined ? FEATURES : [...FEATURES, finalScreen(resolve(cwd, flags.screenshot))],
    snapshots: await openSnapshots(config, store),
    // Whoever may read the files of the state directory may have all that is in them.
    asker: { isOwner: true },
    acquireImage: async (runSignal, digest) => {
      const image = digest ?? localImage(flags.image ?? payload.image ?? config.images.default, cwd);
      const lease = await acquireImage(store, image, {
        ...(await imageHooks(config, flags)),
        signal: runSignal,
        // Who runs a task by hand may read what he names.
        policy: EVERY_SOURCE,
        origin: lazyArtifactOrigin(config, scope),
        onProgress: bar?.reporter("unpacking the image") ?? throttledProgress((text) => log.note(text)),
      });
      bar?.[Symbol.dispose]();
      return lease;
    },
    chooseAccelerator: (runSignal) => chooseAccelerator(config, runSignal, (text) => log.note(text)),
  });

  // A disk that is full is no reason to keep the result from who waits for it.
  const noteLoss = (name: string) => (error: unknown) => log.note(`${name} is not whole: ${messageOf(error)}`);
  const text = `${JSON.stringify({ taskId, ...result }, undefined, 2)}\n`;
  await writeFile(join(output, "result.json"), text).catch(noteLoss("result.json"));
  log.note(`log, result and artifacts are in ${output}`);
  logFile.end();
  await finished(logFile).catch(noteLoss("task.log"));
  return result;
}

/** A path as people write it becomes absolute; names and URLs stay as they are. */
function localImage(image: ImageSpec, cwd: string): ImageSpec {
  return typeof image === "string" && /^\.{1,2}\//.test(image) ? resolve(cwd, image) : image;
}
