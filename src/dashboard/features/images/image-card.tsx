import { useState } from "preact/hooks";
import type { ApiImage } from "../../../generated/api.ts";
import { apiPath } from "../../core/api.ts";
import { formatBytes, plural } from "../../core/format.ts";
import { useResource } from "../../core/resource.ts";
import { ErrorNotice, Loading } from "../../ui/notices.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { ImageActions } from "./image-actions.tsx";
import { imagePath } from "./image-api.ts";
import type { ChainLink } from "./image-chain.ts";
import { imageFacts, shortDigest } from "./image-facts.ts";
import { ImageLink, imagePagePath } from "./image-link.tsx";

interface ImageCardProps {
  image: ApiImage;
  /** What it lies on. */
  parent: ChainLink | undefined;
  worker: string | undefined;
}

/** An image: its names, its sizes; more when it is opened. */
export function ImageCard({ image, parent, worker }: ImageCardProps) {
  const [isOpen, setOpen] = useState(false);
  const { digest, tags, title, archiveBytes, diskBytes, lastUsed } = imageFacts(image);
  return (
    <article class="card image" aria-label={title}>
      <header>
        <div class="image-names">
          <h2>
            <a href={imagePagePath(digest, worker)}>{title}</a>
          </h2>
          {tags.slice(1).map((name) => (
            <span key={name} class="badge idle plain">
              {name}
            </span>
          ))}
          {parent === undefined ? undefined : (
            <span class="quiet-text small">
              on <ImageLink {...parent} worker={worker} />
            </span>
          )}
        </div>
        <div class="actions">
          <ImageActions {...{ digest, title, tags, worker }} />
        </div>
      </header>
      <p class="image-line quiet-text small">
        <code title={digest}>{shortDigest(digest)}</code>
        {archiveBytes === undefined ? undefined : <span>{formatBytes(archiveBytes)} packed</span>}
        {diskBytes === undefined ? undefined : <span>{formatBytes(diskBytes)} on disk</span>}
        {lastUsed === undefined ? undefined : (
          <span>
            used <RelativeTime at={lastUsed} />
          </span>
        )}
      </p>
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>Details of {title}</summary>
        {isOpen ? <Details digest={digest} worker={worker} /> : undefined}
      </details>
    </article>
  );
}

function Details({ digest, worker }: { digest: string; worker: string | undefined }) {
  const { data, error } = useResource<ApiImage>(imagePath(worker, apiPath`/${digest}`));
  if (data === undefined) return error === undefined ? <Loading /> : <ErrorNotice error={error} />;
  const { machine, packages, source, created, snapshots } = imageFacts(data);
  return (
    <dl class="image-facts">
      <div class="whole">
        <dt>Digest</dt>
        <dd>
          <code>{digest}</code>
        </dd>
      </div>
      {created === undefined ? undefined : (
        <div>
          <dt>Here since</dt>
          <dd>
            <RelativeTime at={created} />
          </dd>
        </div>
      )}
      {source === undefined ? undefined : (
        <div>
          <dt>From</dt>
          <dd>{source}</dd>
        </div>
      )}
      {packages === undefined ? undefined : (
        <div>
          <dt>Built of</dt>
          <dd>{plural(packages, "package")}</dd>
        </div>
      )}
      {machine.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      <div class="whole">
        <dt>Snapshots</dt>
        <dd>
          {snapshots.length === 0 ? (
            "none: the first task makes one, or Warm does"
          ) : (
            <ul>
              {snapshots.map(({ title, state, diskBytes }) => (
                <li key={title}>
                  {title}: {state}
                  {diskBytes === undefined ? "" : `, ${formatBytes(diskBytes)}`}
                </li>
              ))}
            </ul>
          )}
        </dd>
      </div>
    </dl>
  );
}
