/** The images of a worker. */
import { useState } from "preact/hooks";
import type { ApiImages, ApiWorkers } from "../../generated/api.ts";
import type { ServerEvent } from "../api-types.ts";
import { formatBytes, plural } from "../core/format.ts";
import { useResource } from "../core/resource.ts";
import { query, setQuery } from "../core/router.ts";
import { may } from "../core/session.ts";
import { imagePath } from "../features/images/image-api.ts";
import { ImageCard } from "../features/images/image-card.tsx";
import { chainOf } from "../features/images/image-chain.ts";
import { PullDialog } from "../features/images/image-dialogs.tsx";
import { imageFacts } from "../features/images/image-facts.ts";
import { ImageJobs } from "../features/images/image-jobs.tsx";
import { href } from "../features/images/images.css";
import { Button } from "../ui/button.tsx";
import { Command, Empty, ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";
import { styled } from "../ui/styled.tsx";

const onImage = { on: ({ name }: ServerEvent) => name === "image" };

export const ImagesPage = styled(href, () => {
  const [isPulling, setPulling] = useState(false);
  const worker = query.value.get("worker") ?? undefined;
  const workers = useResource<ApiWorkers>("/workers").data ?? [];
  const { data, error, refresh } = useResource<ApiImages>(imagePath(worker), onImage);
  const disk = data?.reduce((sum, image) => sum + (imageFacts(image).diskBytes ?? 0), 0) ?? 0;
  return (
    <Page
      title="Images"
      actions={
        <>
          {workers.length > 1 || worker !== undefined ? <Chooser workers={workers} worker={worker} /> : undefined}
          {may("operate") ? (
            <Button kind="primary" icon="download" onPress={() => setPulling(true)}>
              Pull an image
            </Button>
          ) : undefined}
        </>
      }
    >
      {error === undefined ? undefined : <ErrorNotice error={error} onRetry={refresh} />}
      <ImageJobs key={worker} worker={worker} />
      {data === undefined && error === undefined ? <Loading lines={6} /> : undefined}
      {data?.length === 0 ? (
        <Empty icon="disk" title="There are no images yet.">
          <Command text="boxcar image build debian-minimal" />
        </Empty>
      ) : undefined}
      {data === undefined || data.length === 0 ? undefined : (
        <p class="quiet-text">
          {plural(data.length, "image")}, {formatBytes(disk)} on disk.
        </p>
      )}
      <div class="images">
        {data?.map((image) => (
          <ImageCard key={image.digest} image={image} parent={chainOf(image, data).below[0]} worker={worker} />
        ))}
      </div>
      {isPulling ? <PullDialog worker={worker} onClose={() => setPulling(false)} /> : undefined}
    </Page>
  );
});

function Chooser({ workers, worker }: { workers: ApiWorkers; worker: string | undefined }) {
  const own = workers.find(({ self }) => self)?.workerId;
  return (
    <label class="image-worker">
      Worker
      <select
        class="input"
        value={worker ?? own ?? ""}
        onChange={({ currentTarget: { value } }) => setQuery({ worker: value === own ? undefined : value })}
      >
        {workers.map(({ workerId }) => (
          <option key={workerId} value={workerId}>
            {workerId}
          </option>
        ))}
      </select>
    </label>
  );
}
