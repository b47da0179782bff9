/** The workers of the fleet, or one of them. */
import type { ApiWorkers } from "../../generated/api.ts";
import type { ServerEvent } from "../api-types.ts";
import { plural } from "../core/format.ts";
import { useResource } from "../core/resource.ts";
import { WorkerCard } from "../features/workers/worker-card.tsx";
import { href } from "../features/workers/workers.css";
import { Empty, ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";
import { styled } from "../ui/styled.tsx";

/** Workers say how full they are every few seconds, and that is no event. */
const OPTIONS = { on: ({ name }: ServerEvent) => name === "worker" || name === "task", everyMs: 3_000 };

export const WorkersPage = styled(href, () => {
  const { data, error, refresh } = useResource<ApiWorkers>("/workers", OPTIONS);
  return (
    <Page title="Workers">
      {error === undefined ? undefined : <ErrorNotice error={error} onRetry={refresh} />}
      {data === undefined && error === undefined ? <Loading lines={6} /> : undefined}
      {data === undefined ? undefined : <Summary workers={data} />}
      {data?.length === 0 ? (
        <Empty icon="server" title="No worker has been heard of.">
          It takes a worker to run tasks.
        </Empty>
      ) : undefined}
      <div class="workers">
        {data?.map((worker) => (
          <WorkerCard key={worker.workerId} worker={worker} isAlone={false} />
        ))}
      </div>
    </Page>
  );
});

function Summary({ workers }: { workers: ApiWorkers }) {
  const capacity = workers.reduce((sum, { status }) => sum + status.capacity, 0);
  const running = workers.reduce((sum, { status }) => sum + status.running.length, 0);
  if (workers.length === 0) return null;
  return (
    <p class="quiet-text">
      {plural(workers.length, "worker")} with room for {plural(capacity, "machine")}; {running} in use.
    </p>
  );
}

export const WorkerPage = styled(href, ({ worker: id }: { worker: string }) => {
  const { data, error, refresh } = useResource<ApiWorkers>("/workers", OPTIONS);
  const worker = data?.find(({ workerId }) => workerId === id);
  return (
    <Page
      title={`Worker ${id}`}
      before={
        <nav class="trail small" aria-label="Above this page">
          <a href="/workers">Workers</a>
        </nav>
      }
    >
      {error === undefined ? undefined : <ErrorNotice error={error} onRetry={refresh} />}
      {data === undefined && error === undefined ? <Loading lines={6} /> : undefined}
      {worker === undefined && data !== undefined ? (
        <Empty icon="server" title="No worker of this name has been heard of lately.">
          <a href="/workers">All workers</a>
        </Empty>
      ) : undefined}
      {worker === undefined ? undefined : (
        <>
          <WorkerCard worker={worker} isAlone />
          <p>
            <a href={`/images?worker=${encodeURIComponent(id)}`}>Its images</a>
          </p>
        </>
      )}
    </Page>
  );
});
