/** Commands that look at machines. */
import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { setTimeout as after } from "node:timers/promises";
import type { Command } from "commander";
import { InvalidInputError } from "../../base/errors.ts";
import { ignoreMissing } from "../../host/durable-file.ts";
import type { VmView } from "../../hypervisor/hypervisor.ts";
import { MachineFiles } from "../../hypervisor/qemu/machine-files.ts";
import { called } from "../../hypervisor/refs.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { writableFile } from "../named-files.ts";
import { serveDisplayOf } from "../operate/vnc.ts";
import { eventText, type ImageNames, reclaimedText, vmTable, vmText } from "./describe.ts";
import type { OutputFlag } from "./flags.ts";
import { type OpenHypervisor, openHypervisor } from "./open-hypervisor.ts";

export interface Invocation {
  readonly context: CliContext;
  readonly command: Command;
}

/** What dead processes have left has been put right by now. */
export async function list({ output }: OutputFlag, { context, command }: Invocation): Promise<void> {
  await using opened = await openHypervisor(context, command);
  const views = await opened.hypervisor.list();
  if (output === "json")
    printJson(
      context,
      views.map(({ record, isStale }) => ({ ...record, stale: isStale })),
    );
  else print(context, vmTable(views, await imageNames(opened, views)));
}

/** Whoever was given a digest may have a name for it. */
async function imageNames({ host }: OpenHypervisor, views: readonly VmView[]): Promise<ImageNames> {
  if (views.every(({ record: { image } }) => image.reference !== image.digest)) return new Map();
  const images = await host.images.list();
  return new Map(images.flatMap(({ digest, tags: [name] }) => (name === undefined ? [] : [[digest, name]])));
}

export async function inspect(ref: string, { output }: OutputFlag, { context, command }: Invocation): Promise<void> {
  await using opened = await openHypervisor(context, command);
  const view = await opened.hypervisor.inspect(ref);
  if (output === "json") printJson(context, { ...view.record, stale: view.isStale });
  else print(context, vmText(view, await imageNames(opened, [view])));
}

/** Until the signal fires. */
export async function status({ output }: OutputFlag, { context, command }: Invocation): Promise<void> {
  await using opened = await openHypervisor(context, command);
  for await (const event of opened.hypervisor.watch(context.signal)) {
    if (output === "json") printJson(context, event);
    else print(context, eventText(event));
  }
}

export async function logs(
  ref: string,
  { supervisor }: { supervisor?: boolean },
  invocation: Invocation,
): Promise<void> {
  const { context, command } = invocation;
  await using opened = await openHypervisor(context, command);
  const { index } = opened.hypervisor;
  const files = new MachineFiles(index.folderOf((await opened.hypervisor.inspect(ref)).record.id));
  const file = supervisor === true ? files.log : files.console;
  await pipeline(createReadStream(file), context.stdout, { end: false, signal: context.signal }).catch(ignoreMissing);
}

export async function gc({ output }: OutputFlag, { context, command }: Invocation): Promise<void> {
  await using opened = await openHypervisor(context, command);
  const expired = await (await opened.host.openSnapshots()).removeExpired();
  const done = [...opened.reclaimed, ...expired.map(({ id }) => ({ id, done: "expired" }) as const)];
  if (output === "json") printJson(context, done);
  else print(context, reclaimedText(done));
}

export async function screenshot(ref: string, file: string | undefined, invocation: Invocation): Promise<void> {
  const { context, command } = invocation;
  const { signal, stdout } = context;
  await using opened = await openHypervisor(context, command);
  const { record } = await opened.hypervisor.inspect(ref);
  const picture = await (await opened.hypervisor.open(record.id)).screenshot(signal);
  if (file === "-") return await pipeline(picture, stdout, { end: false, signal });
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const target = await writableFile(file ?? `${called(record)}-${time}.png`, "[file]", context);
  // Half a picture is none.
  const part = `${target}.part`;
  try {
    await pipeline(picture, createWriteStream(part), { signal });
    await rename(part, target);
  } finally {
    await rm(part, { force: true });
  }
  print(context, target);
}

/** Between two looks at whether the machine is still there. */
const LOOK_MS = 1_000;

export async function vnc(
  ref: string,
  { port, open }: { port?: number; open?: boolean },
  { context, command }: Invocation,
): Promise<void> {
  await using opened = await openHypervisor(context, command);
  const { hypervisor } = opened;
  const { id } = (await hypervisor.inspect(ref)).record;
  const live = await hypervisor.open(id);
  const source = {
    connect: (signal: AbortSignal) => live.openDisplay(signal),
    async untilGone(signal: AbortSignal) {
      while (!signal.aborted) {
        await after(LOOK_MS, undefined, { signal }).catch(() => {});
        const { process } = (await hypervisor.inspect(id)).record;
        if (process === undefined) return;
      }
    },
  };
  await serveDisplayOf(source, { port: port ?? 0, open: open ?? false }, context);
}

/** `{…}` or the name of a command is QMP, with --human a line for people. */
export async function monitor(
  ref: string,
  words: readonly string[],
  { human }: { human?: boolean },
  { context, command }: Invocation,
): Promise<void> {
  await using opened = await openHypervisor(context, command);
  const live = await opened.hypervisor.open(ref);
  const [name = "query-status", json] = words;
  if (human === true && words.length === 0) {
    throw new InvalidInputError(
      "The command line",
      [{ path: "[words...]", message: 'a line is missing, such as "info status"' }],
      "task",
    );
  }
  if (human === true) {
    const answer = await live.monitor({ line: words.join(" ") }, context.signal);
    print(context, String(answer).replaceAll("\r\n", "\n").trimEnd());
    return;
  }
  printJson(context, await live.monitor({ name, ...(json === undefined ? {} : { arguments: json }) }, context.signal));
}
