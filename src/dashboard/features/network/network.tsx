/** What a run has asked of its network (docs/network.md). Names and reasons come from the guest: they are text. */
import type { ServerEvent } from "../../api-types.ts";
import { apiPath } from "../../core/api.ts";
import { formatBytes, formatDuration } from "../../core/format.ts";
import { useResource } from "../../core/resource.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { Empty, ErrorNotice, Loading } from "../../ui/notices.tsx";
import type { RunSlotProps } from "../slot.ts";
import { type NetworkEntry, parseNetwork } from "./network-report.ts";

const onRun = ({ name }: ServerEvent) => name === "task" || name === "phase";
const LIVE_MS = 3_000;

export function Network({ task, run, report }: RunSlotProps) {
  const isLive = report?.live !== undefined;
  const { data, error, refresh } = useResource<unknown>(apiPath`/tasks/${task.taskId}/runs/${run}/network`, {
    on: onRun,
    ...(isLive ? { everyMs: LIVE_MS } : {}),
  });
  if (data === undefined) {
    if (error === undefined) return <Loading />;
    if (error.status === 404) return <Empty icon="network" title="It has asked nothing of its network." />;
    return <ErrorNotice error={error} onRetry={refresh} />;
  }
  const { policy, mode, entries } = parseNetwork(data);
  return (
    <section class="section" aria-label="Network">
      <p class="small quiet-text">
        {policy === undefined ? undefined : (
          <>
            Policy <code>{policy}</code>
            {mode === undefined ? "" : ", "}
          </>
        )}
        {mode === undefined ? undefined : (
          <>
            mode <code>{mode}</code>
          </>
        )}
      </p>
      {entries.length === 0 ? (
        <Empty icon="network" title="It has asked nothing of its network." />
      ) : (
        <div class="card network-table">
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Decision</th>
                <th scope="col">Kind</th>
                <th scope="col">Where to</th>
                <th scope="col" class="right">
                  Out / in
                </th>
              </tr>
            </thead>
            <tbody>{entries.toReversed().map(row)}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

const LOOKS: Readonly<Record<string, { tone: string; icon: IconName }>> = {
  allowed: { tone: "good", icon: "check" },
  refused: { tone: "bad", icon: "ban" },
  failed: { tone: "waiting", icon: "warning" },
};

function row(entry: NetworkEntry, index: number) {
  const { tone, icon } = LOOKS[entry.decision] ?? { tone: "idle", icon: "dots" };
  return (
    <tr key={`${index}${entry.time}`}>
      <td class="number quiet-text">{new Date(entry.time).toLocaleTimeString()}</td>
      <td>
        <span class={`badge ${tone}`}>
          <Icon name={icon} />
          {entry.decision}
        </span>
      </td>
      <td>{entry.kind}</td>
      <td>
        <code>{entry.target}</code>
        {entry.count > 1 ? <span class="quiet-text"> × {entry.count}</span> : undefined}
        {entry.reason === undefined ? undefined : <span class="small quiet-text network-reason">{entry.reason}</span>}
      </td>
      <td class="right number quiet-text">
        {entry.bytesOut === undefined ? "" : `${formatBytes(entry.bytesOut)} / ${formatBytes(entry.bytesIn ?? 0)}`}
        {entry.durationMs === undefined ? undefined : (
          <span class="small network-reason">{formatDuration(entry.durationMs)}</span>
        )}
      </td>
    </tr>
  );
}
