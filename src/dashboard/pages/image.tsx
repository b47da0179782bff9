/** One image: what it is, where it comes from, what is in it. */
import type { ComponentChildren } from "preact";
import type { ApiImage, ApiImages } from "../../generated/api.ts";
import type { ServerEvent } from "../api-types.ts";
import { apiPath } from "../core/api.ts";
import { formatBytes } from "../core/format.ts";
import { useResource } from "../core/resource.ts";
import { navigate, query } from "../core/router.ts";
import { ChainView } from "../features/images/chain-view.tsx";
import { ImageActions } from "../features/images/image-actions.tsx";
import { imagePath } from "../features/images/image-api.ts";
import { chainOf, type ImageChain } from "../features/images/image-chain.ts";
import { historyOf, type ImageDetails, imageDetails } from "../features/images/image-details.ts";
import { type ImageFacts, imageFacts, shortDigest } from "../features/images/image-facts.ts";
import { ImageHistory } from "../features/images/image-history.tsx";
import { href } from "../features/images/images.css";
import { PackageList } from "../features/images/package-list.tsx";
import { SnapshotList } from "../features/images/snapshot-list.tsx";
import { Fact } from "../ui/fact.tsx";
import { Icon } from "../ui/icon.tsx";
import { ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";
import { styled } from "../ui/styled.tsx";
import { RelativeTime } from "../ui/time.tsx";

const onImage = { on: ({ name }: ServerEvent) => name === "image" };

export const ImagePage = styled(href, ({ image: reference }: { image: string }) => {
  const worker = query.value.get("worker") ?? undefined;
  const { data, error, refresh } = useResource<ApiImage>(imagePath(worker, apiPath`/${reference}`), onImage);
  const images = useResource<ApiImages>(imagePath(worker), onImage).data ?? [];
  const facts = data && imageFacts(data);
  const list = worker === undefined ? "/images" : `/images?worker=${encodeURIComponent(worker)}`;
  return (
    <Page
      title={facts?.title ?? shortDigest(reference)}
      before={
        <nav class="trail small" aria-label="Above this page">
          <a href={list}>Images</a>
        </nav>
      }
      actions={facts && <ImageActions {...facts} worker={worker} onGone={() => navigate(list)} />}
    >
      {error === undefined ? undefined : <ErrorNotice error={error} onRetry={refresh} />}
      {data === undefined && error === undefined ? <Loading lines={8} /> : undefined}
      {data === undefined || facts === undefined ? undefined : (
        <Whole facts={facts} details={imageDetails(data)} chain={chainOf(data, images)} worker={worker} />
      )}
    </Page>
  );
});

interface WholeProps {
  facts: ImageFacts;
  details: ImageDetails;
  chain: ImageChain;
  worker: string | undefined;
}

function Whole({ facts, details, chain, worker }: WholeProps) {
  const { digest, tags, title, diskBytes, machine, snapshots } = facts;
  const { packages, sources } = details;
  const history = historyOf(chain.images);
  const isAlone = chain.below.length + chain.above.length === 0;
  const titles = new Map(chain.below.map((link) => [link.digest, link.title]));
  return (
    <div class="image-page">
      {tags.length < 2 ? undefined : (
        <p class="image-names">
          {tags.slice(1).map((name) => (
            <span key={name} class="badge idle plain">
              {name}
            </span>
          ))}
        </p>
      )}
      <Sizes facts={facts} details={details} chain={chain} />
      <Section title="Provenance">
        <Provenance digest={digest} details={details} />
        {sources.length === 0 ? undefined : <Sources sources={sources} />}
      </Section>
      {isAlone ? undefined : (
        <Section title="Layers">
          <ChainView chain={chain} self={{ digest, title, diskBytes }} worker={worker} />
        </Section>
      )}
      {history.length === 0 ? undefined : (
        <Section title="History">
          <ImageHistory steps={history} digest={digest} titles={titles} worker={worker} />
        </Section>
      )}
      <Section title="Machine">
        <dl class="image-facts">
          {machine.map(([name, value]) => (
            <Fact key={name} label={name}>
              {value}
            </Fact>
          ))}
        </dl>
      </Section>
      <Section title="Snapshots">
        <SnapshotList snapshots={snapshots} />
      </Section>
      <Section title="Packages">
        {packages === undefined ? (
          <p class="quiet-text small">The image does not say which packages are in it.</p>
        ) : (
          <PackageList packages={packages} />
        )}
      </Section>
    </div>
  );
}

/** What it takes, at a glance. */
function Sizes({ facts, details, chain }: Omit<WholeProps, "worker">) {
  const { archiveBytes, diskBytes, lastUsed } = facts;
  const { virtualBytes, isArchiveKept } = details;
  return (
    <dl class="card image-sizes">
      <Fact label="On disk">{diskBytes === undefined ? "–" : formatBytes(diskBytes)}</Fact>
      {chain.below.length === 0 ? undefined : (
        <Fact label="Shared with its parents">{formatBytes(chain.sharedBytes)}</Fact>
      )}
      <Fact label="Disk of a machine">{virtualBytes === undefined ? "–" : formatBytes(virtualBytes)}</Fact>
      <Fact label="Archive">
        {archiveBytes === undefined ? "–" : formatBytes(archiveBytes)}
        {isArchiveKept === undefined ? undefined : (
          <span class="quiet-text small"> {isArchiveKept ? "kept" : "not kept"}</span>
        )}
      </Fact>
      {lastUsed === undefined ? undefined : (
        <Fact label="Last used">
          <RelativeTime at={lastUsed} />
        </Fact>
      )}
    </dl>
  );
}

function Provenance({ digest, details }: { digest: string; details: ImageDetails }) {
  const { built, builder, recipe, agent, signatures } = details;
  return (
    <dl class="image-facts">
      <Fact label="Digest" isWhole>
        <code>{digest}</code>
      </Fact>
      <Fact label="Built">
        {built === undefined ? "nobody knows when" : <RelativeTime at={built} />}
        {builder === undefined ? "" : ` by ${builder}`}
      </Fact>
      {recipe === undefined ? undefined : <Fact label="Recipe">{recipe}</Fact>}
      {agent === undefined ? undefined : <Fact label="Agent">{agent}</Fact>}
      {signatures === undefined ? undefined : (
        <Fact label="Signed by" isWhole>
          {signatures.length === 0 ? (
            "nobody: not signed"
          ) : (
            <ul class="image-keys">
              {signatures.map((key) => (
                <li key={key} class="image-key">
                  <Icon name="shield" /> <code>{key}</code>
                </li>
              ))}
            </ul>
          )}
        </Fact>
      )}
    </dl>
  );
}

function Sources({ sources }: Pick<ImageDetails, "sources">) {
  return (
    <>
      <h3 class="image-subtitle">Made from</h3>
      <ul class="image-rows">
        {sources.map(({ kind, name, sha256 }, index) => (
          <li key={`${index}${name}`} class="image-row">
            <span class="badge idle plain">{kind}</span>
            <span class="row-main">{name ?? "–"}</span>
            {sha256 === undefined ? undefined : (
              <code class="quiet-text" title={sha256}>
                {sha256.slice(0, 12)}
              </code>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="card image-section" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}
