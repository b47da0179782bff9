/** Artifacts as the database knows them, and what happens to those that have expired. */
import type { ArtifactFiles } from "../artifact-files.ts";
import type { LinkTarget } from "../driver.ts";
import type { ArtifactEntry } from "../task-queue.ts";
import type { Sql } from "./database.ts";

interface ArtifactRow {
  task_id: string;
  run_id: number;
  name: string;
  store: string;
  worker_id: string;
  content_type: string;
  content_encoding: string | null;
  size_bytes: string | null;
  sha256: string | null;
  expires: Date;
  error: { reason: string; message: string } | null;
  link: LinkTarget | null;
}

export async function listArtifacts(
  sql: Sql,
  taskId: string,
  runId: number,
  files: ArtifactFiles,
): Promise<ArtifactEntry[]> {
  const rows = await sql.run<ArtifactRow>({
    text: "SELECT * FROM boxcar.artifact WHERE task_id = $1 AND run_id = $2 AND expires > now() ORDER BY name",
    values: [taskId, runId],
  });
  return rows.map((row) => entryOf(row, files));
}

function entryOf(row: ArtifactRow, files: ArtifactFiles): ArtifactEntry {
  const isHere = row.sha256 !== null && row.store === files.id;
  const key = { taskId: row.task_id, runId: row.run_id, name: row.name };
  return {
    name: row.name,
    contentType: row.content_type,
    ...(row.content_encoding === null ? {} : { contentEncoding: row.content_encoding }),
    ...(row.size_bytes === null ? {} : { sizeBytes: Number(row.size_bytes) }),
    ...(row.sha256 === null ? {} : { sha256: row.sha256 }),
    expires: row.expires,
    ...(isHere ? { file: files.pathOf(key) } : {}),
    workerId: row.worker_id,
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.link === null ? {} : { link: row.link }),
  };
}

const BATCH = 100;

/** What a host that never comes back has is forgotten after this. */
const FORGET_AFTER = "90 days";

/** What a worker that was killed has left of a task of which nothing is known any more. */
async function removeForgotten(sql: Sql, files: ArtifactFiles, taskIds: readonly string[]): Promise<void> {
  const forgotten = await sql.run<{ id: string }>({
    text: `SELECT id FROM unnest($1::text[]) AS id
      WHERE NOT EXISTS (SELECT FROM boxcar.task WHERE task_id = id)
        AND NOT EXISTS (SELECT FROM boxcar.artifact WHERE task_id = id AND store = $2)`,
    values: [taskIds, files.id],
  });
  for (const { id } of forgotten) await files.removeTask(id);
}

/** Removes from this host what has expired, then forgets it. */
export async function reclaimArtifacts(sql: Sql, files: ArtifactFiles): Promise<void> {
  for (;;) {
    const rows = await sql.run<Pick<ArtifactRow, "task_id" | "run_id" | "name">>({
      text: "SELECT task_id, run_id, name FROM boxcar.artifact WHERE store = $1 AND expires <= now() LIMIT $2",
      values: [files.id, BATCH],
    });
    for (const { task_id: taskId, run_id: runId, name } of rows) {
      await files.remove({ taskId, runId, name });
      await sql.run({
        text: "DELETE FROM boxcar.artifact WHERE task_id = $1 AND run_id = $2 AND name = $3 AND expires <= now()",
        values: [taskId, runId, name],
      });
    }
    await removeForgotten(sql, files, [...new Set(rows.map(({ task_id }) => task_id))]);
    if (rows.length < BATCH) break;
  }
  await sql.run({ text: `DELETE FROM boxcar.artifact WHERE expires <= now() - interval '${FORGET_AFTER}'` });
}
