/** `boxcar vm snapshot export` and `import`. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { formatBytes } from "../../../base/units.ts";
import { chooseZstd } from "../../../image/zstd/choose-zstd.ts";
import { exportSnapshot } from "../../../snapshot/archive/export.ts";
import { DEFAULT_LIMITS } from "../../../snapshot/archive/format.ts";
import { importSnapshot } from "../../../snapshot/archive/import.ts";
import { print, printJson } from "../../context.ts";
import { readableFile, writableFile } from "../../named-files.ts";
import { ProgressBar } from "../../progress-bar.ts";
import type { OutputFlag } from "../flags.ts";
import type { Invocation } from "../look.ts";
import { snapshotDocument } from "./describe.ts";
import { openSaved } from "./open-saved.ts";

export async function exportTo(
  ref: string,
  target: string,
  { output, level }: OutputFlag & { level?: number },
  invocation: Invocation,
): Promise<void> {
  const { context } = invocation;
  await using opened = await openSaved(invocation);
  await using lease = await opened.snapshots.acquire(ref);
  const file = await writableFile(target, "<file>", context);
  using bar = new ProgressBar(context.stderr);
  await exportSnapshot(lease.saved, file, {
    ...{ zstd: await chooseZstd(), signal: context.signal },
    ...(level === undefined ? {} : { level }),
    onProgress: (doneBytes, totalBytes) => bar.show("writing the archive", { doneBytes, totalBytes }),
  });
  const { size } = await stat(file);
  if (output === "json") return printJson(context, { id: lease.saved.id, file, bytes: size });
  bar.say(`archive ${formatBytes(size)}; it holds the memory of the machine, with all the secrets in it`);
  print(context, target);
}

export async function importFrom(
  source: string,
  { output, name }: OutputFlag & { name?: string },
  invocation: Invocation,
): Promise<void> {
  const { context } = invocation;
  const file = await readableFile(source, "<file>", context);
  const { size: totalBytes } = await stat(file);
  await using opened = await openSaved(invocation);
  const { snapshots, host, config } = opened;
  using bar = new ProgressBar(context.stderr);
  const report = bar.reporter("unpacking the snapshot");
  async function* read(): AsyncGenerator<Uint8Array> {
    let doneBytes = 0;
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      doneBytes += chunk.length;
      report({ doneBytes, totalBytes });
      yield chunk;
    }
  }
  const saved = await importSnapshot(snapshots, read(), {
    ...{ zstd: await chooseZstd(), images: host.images, name, signal: context.signal },
    limits: { ...DEFAULT_LIMITS, maxFileBytes: config.images.maxSizeBytes },
  });
  if (output === "json") printJson(context, snapshotDocument(saved));
  else print(context, saved.record.name ?? saved.id);
}
