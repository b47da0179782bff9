/** The machines that stay on the host of a worker. */
import type { ApiVm, ApiVms } from "../../generated/api.ts";
import type { ServerEvent } from "../api-types.ts";
import { plural } from "../core/format.ts";
import { useResource } from "../core/resource.ts";
import { query } from "../core/router.ts";
import { vmsPath } from "../features/vms/vm-api.ts";
import { VmCard } from "../features/vms/vm-card.tsx";
import { isLive } from "../features/vms/vm-words.ts";
import { href } from "../features/vms/vms.css";
import { WorkerChooser } from "../features/workers/worker-chooser.tsx";
import { Command, Empty, ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";
import { styled } from "../ui/styled.tsx";

/** A worker tells of changes for a while after it was asked. */
const onMachine = { on: ({ name }: ServerEvent) => name === "machine", everyMs: 10_000 };

export const MachinesPage = styled(href, () => {
  const worker = query.value.get("worker") ?? undefined;
  const { data, error, refresh } = useResource<ApiVms>(vmsPath(worker), onMachine);
  return (
    <Page title="Machines" actions={<WorkerChooser worker={worker} />}>
      {error === undefined ? undefined : <ErrorNotice error={error} onRetry={refresh} />}
      {data === undefined && error === undefined ? <Loading lines={6} /> : undefined}
      {data?.length === 0 ? (
        <Empty icon="screen" title="There are no machines that stay on this host.">
          <p>Those of tasks come and go with them. This makes one for yourself:</p>
          <Command text="boxcar vm run --name dev" />
        </Empty>
      ) : undefined}
      {data === undefined || data.length === 0 ? undefined : (
        <p class="quiet-text">
          {plural(data.length, "machine")}, {data.filter(({ state }) => state === "running").length} running.
        </p>
      )}
      <div class="vms">
        {data?.toSorted(liveFirst).map((vm) => (
          <VmCard key={vm.id} vm={vm} worker={worker} />
        ))}
      </div>
    </Page>
  );
});

/** What one may want to look at; in the order of their making else. */
function liveFirst(one: ApiVm, other: ApiVm): number {
  return Number(isLive(other)) - Number(isLive(one));
}
