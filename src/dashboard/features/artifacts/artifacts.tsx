/** The tab "Artifacts" of the task page: what was kept of a run, by folder, and what is in it. */
import { useMemo } from "preact/hooks";
import type { ApiArtifact } from "../../../generated/api.ts";
import { apiPath } from "../../core/api.ts";
import { formatBytes, plural } from "../../core/format.ts";
import { useResource } from "../../core/resource.ts";
import { query } from "../../core/router.ts";
import { Empty, ErrorNotice, Loading } from "../../ui/notices.tsx";
import { styled } from "../../ui/styled.tsx";
import type { RunSlotProps } from "../slot.ts";
import { ArtifactDetails } from "./artifact-details.tsx";
import { ArtifactRow } from "./artifact-row.tsx";
import { href } from "./artifacts.css";
import { groupByFolder } from "./tree.ts";

export const Artifacts = styled(href, ({ task, run, report }: RunSlotProps) => {
  const path = apiPath`/tasks/${task.taskId}/runs/${run}/artifacts`;
  const isOver = report !== undefined && report.state !== "running" && report.state !== "pending";
  const { data, error, refresh } = useResource<readonly ApiArtifact[]>(path, {
    on: (event) => (event.name === "task" || event.name === "phase") && event.data.taskId === task.taskId,
  });
  const folders = useMemo(() => groupByFolder(data ?? []), [data]);
  const selected = data?.find(({ name }) => name === query.value.get("artifact"));
  if (data === undefined) return error === undefined ? <Loading /> : <ErrorNotice error={error} onRetry={refresh} />;
  if (data.length === 0) {
    return (
      <Empty icon="archive" title={isOver ? "This run has kept nothing." : "Nothing has been kept yet."}>
        {isOver ? undefined : "Artifacts are collected when the command has ended."}
      </Empty>
    );
  }
  const total = folders.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return (
    <div class={selected === undefined ? "artifacts" : "artifacts with-details"}>
      <div class="artifact-list">
        <p class="quiet-text small">
          {plural(data.length, "artifact")}, {formatBytes(total)}
        </p>
        {folders.map((folder) => (
          <section key={folder.path} class="card" aria-label={folder.path === "" ? "In no folder" : folder.path}>
            {folder.path === "" ? undefined : (
              <h2 class="artifact-folder">
                <code>{folder.path}/</code>
                <span class="quiet-text">{formatBytes(folder.sizeBytes)}</span>
              </h2>
            )}
            <ul>
              {folder.artifacts.map((artifact) => (
                <ArtifactRow
                  key={artifact.name}
                  artifact={artifact}
                  isSelected={artifact === selected}
                  path={artifactPath(path, artifact)}
                />
              ))}
            </ul>
          </section>
        ))}
      </div>
      {selected === undefined ? undefined : (
        <ArtifactDetails key={selected.name} artifact={selected} path={artifactPath(path, selected)} />
      )}
    </div>
  );
});

/** The slashes of a name stay. */
function artifactPath(list: string, { name }: ApiArtifact): string {
  return `${list}/${name.split("/").map(encodeURIComponent).join("/")}`;
}
