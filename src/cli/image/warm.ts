/** `boxcar image warm`: makes the snapshot that tasks will resume from, before the first of them comes. */
import { join } from "node:path";
import { Command } from "commander";
import { WorkerError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { reclaimDirectories } from "../../host/owned-directory.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { obtainSnapshot } from "../../sandbox/warm-start.ts";
import { resolveMachine } from "../../vm/limits.ts";
import { chooseAccelerator } from "../accelerator.ts";
import { configOf } from "../config.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { readPayload } from "../run/payload.ts";
import { plainSnapshot } from "./describe.ts";

const EXAMPLES = `
Examples:
  boxcar image warm debian-minimal                   for tasks that ask for no machine of their own
  boxcar image warm debian-minimal --task task.yml   for the machine this task asks for`;

export function warmCommand(context: CliContext, openStore: (config: Config) => Promise<ImageStore>): Command {
  return new Command("warm")
    .description("boot an image once and keep the booted machine, so that tasks resume it")
    .argument("<image>", "name, digest, or the first 6 digits of a digest")
    .option("--task <file>", "a task with the machine it should be made for")
    .option("--json", "print JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (reference: string, flags: { task?: string; json?: boolean }, command: Command) => {
      const { signal, cwd } = context;
      const config = await configOf(context, command);
      const payload =
        flags.task === undefined
          ? undefined
          : await readPayload({ taskFile: flags.task, command: [], image: undefined, cwd, config });
      const [runParent, stateParent] = [join(config.runDir, "m"), join(config.stateDir, "machines")];
      for (const parent of [runParent, stateParent]) await reclaimDirectories(parent);
      await using store = await openStore(config);
      await using image = await store.acquire(reference);
      const note = (text: string) => void context.stderr.write(`${text}\n`);
      const snapshot = await obtainSnapshot({
        image,
        machine: resolveMachine(
          { payload: payload?.machine, image: image.image.machine, config: config.machine },
          config.machineOptions,
        ),
        accelerator: await chooseAccelerator(config, signal, note),
        qemuBinary: config.qemu.binary,
        bootTimeoutMs: config.limits.bootTimeoutMs,
        runParent,
        stateParent,
        note,
        signal,
      });
      if (snapshot === undefined) {
        throw new WorkerError(`${reference} has no snapshot for this machine; its tasks will boot`, {
          code: "no-snapshot",
          blame: "image",
        });
      }
      if (flags.json) printJson(context, plainSnapshot(snapshot));
      else print(context, `${reference} is warm: ${snapshot.title}`);
    });
}
