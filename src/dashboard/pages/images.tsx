/** The images of a worker. */
import { useState } from "preact/hooks";
import type { ApiImages } from "../../generated/api.ts";
import type { ServerEvent } from "../api-types.ts";
import { formatBytes, plural } from "../core/format.ts";
import { useResource } from "../core/resource.ts";
import { query } from "../core/router.ts";
import { may } from "../core/session.ts";
import { imagePath } from "../features/images/image-api.ts";
import { ImageCard } from "../features/images/image-card.tsx";
import { chainOf } from "../features/images/image-chain.ts";
import { PullDialog } from "../features/images/image-dialogs.tsx";
import { imageFacts } from "../features/images/image-facts.ts";
import { ImageJobs } from "../features/images/image-jobs.tsx";
import { href } from "../features/images/images.css";
import { WorkerChooser } from "../features/workers/worker-chooser.tsx";
import { Button } from "../ui/button.tsx";
import { Command, Empty, ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";
import { styled } from "../ui/styled.tsx";

const onImage = { on: ({ name }: ServerEvent) => name === "image" };

export const ImagesPage = styled(href, () => {
  const [isPulling, setPulling] = useState(false);
  const worker = query.value.get("worker") ?? undefined;
  const { data, error, refresh } = useResource<ApiImages>(imagePath(worker), onImage);
  const disk = data?.reduce((sum, image) => sum + (imageFacts(image).diskBytes ?? 0), 0) ?? 0;
  return (
    <Page
      title="Images"
      actions={
        <>
          <WorkerChooser worker={worker} />
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
