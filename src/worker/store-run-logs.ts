/** What a run tells of itself, as artifacts: its log, the serial console, what it asked of its network, its report. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { DirectoryStore } from "../artifact/directory-store.ts";
import type { Config } from "../config/config.ts";
import type { ArtifactRecord } from "../feature/artifacts/record.ts";
import { storeArtifact } from "../feature/artifacts/store-artifact.ts";
import { NETWORK_ARTIFACT, NETWORK_CONTENT_TYPE, NETWORK_FILE } from "../feature/network/report.ts";
import { LOG_CONTENT_TYPE, packFile, type RunLog } from "./run-log.ts";
import { REPORT_ARTIFACT, REPORT_CONTENT_TYPE } from "./run-report.ts";

export interface RunLogs {
  /** Closed. */
  readonly log: RunLog;
  /** Undefined: there is nothing to tell. */
  readonly report: string | undefined;
  /** Absolute path of the folder of the run. */
  readonly directory: string;
  readonly config: Config;
  readonly sink: DirectoryStore;
  readonly signal: AbortSignal;
}

const CONSOLE_ARTIFACT = "public/logs/console.log";

export async function storeRunLogs({
  log,
  report,
  directory,
  config,
  sink,
  signal,
}: RunLogs): Promise<ArtifactRecord[]> {
  const records: ArtifactRecord[] = [await log.store(sink.directory, config, signal)];
  const console = join(directory, "console.log");
  if (await hasContent(console)) {
    const traits = { name: CONSOLE_ARTIFACT, contentType: LOG_CONTENT_TYPE, compression: "gzip" } as const;
    const mask = log.maskStream();
    const content = mask === undefined ? createReadStream(console) : createReadStream(console).pipe(mask);
    records.push(await storeArtifact(sink, traits, content, signal));
  }
  const network = join(directory, NETWORK_FILE);
  if (await hasContent(network)) {
    const artifact = { name: NETWORK_ARTIFACT, contentType: NETWORK_CONTENT_TYPE };
    records.push(await packFile(network, artifact, sink.directory, config.features.log.encoding, signal));
  }
  if (report !== undefined) {
    const traits = { name: REPORT_ARTIFACT, contentType: REPORT_CONTENT_TYPE };
    records.push(await storeArtifact(sink, traits, Readable.from([report]), signal));
  }
  return records;
}

async function hasContent(file: string): Promise<boolean> {
  return await stat(file).then(
    ({ size }) => size > 0,
    () => false,
  );
}
