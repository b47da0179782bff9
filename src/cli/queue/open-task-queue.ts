/** The queue of a configuration, for who submits and looks, and as a worker of it. */
import { join } from "node:path";
import { HostArtifacts } from "../../artifact/host-artifacts.ts";
import { InvalidInputError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { EmbeddedDatabase } from "../../queue/embedded/embedded-database.ts";
import { type ConnectionSource, connectionOfUrl } from "../../queue/postgres/connection.ts";
import { PostgresQueue } from "../../queue/postgres/postgres-queue.ts";

/** @throws {QueueError} */
export async function openTaskQueue(config: Config): Promise<PostgresQueue> {
  const files = await HostArtifacts.open(join(config.stateDir, "artifacts"));
  return await PostgresQueue.open({ connection: await connectionOf(config), files });
}

async function connectionOf({ queue, stateDir, runDir }: Config): Promise<ConnectionSource> {
  if (queue.driver === "embedded") return await EmbeddedDatabase.open({ directory: join(stateDir, "queue"), runDir });
  if (queue.driver === "taskcluster") {
    const message = "is taskcluster, whose tasks are submitted and shown by its own tools, not by Boxcar's";
    throw new InvalidInputError("The configuration", [{ path: "queue.driver", message }], "host");
  }
  const { url } = queue.postgres;
  if (url !== undefined) return connectionOfUrl(url.reveal());
  throw new InvalidInputError("The configuration", [{ path: "queue.postgres.url", message: "is missing" }], "host");
}
