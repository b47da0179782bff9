import { useEffect, useRef } from "preact/hooks";
import type { ApiArtifact } from "../../../generated/api.ts";
import { API } from "../../core/api.ts";
import { formatBytes } from "../../core/format.ts";
import { setQuery } from "../../core/router.ts";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { toast } from "../../ui/toasts.tsx";
import { Preview } from "./preview.tsx";
import { baseName } from "./tree.ts";

/** One artifact; gets the focus when it is opened. */
export function ArtifactDetails({ artifact, path }: { artifact: ApiArtifact; path: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: false }), []);
  const { name, contentType, contentEncoding, sizeBytes, sha256, expires, error } = artifact;
  const copyLink = async () => {
    await navigator.clipboard.writeText(new URL(API + path, location.href).href);
    toast("The link is copied.", "success");
  };
  return (
    <section class="artifact-details" aria-label={name}>
      <header>
        <h2 ref={heading} tabIndex={-1}>
          {baseName(name)}
        </h2>
        <div class="actions">
          {error === undefined ? (
            <>
              <a class="button plain" href={API + path} download={baseName(name)}>
                <Icon name="download" />
                Download
              </a>
              <Button icon="link" onPress={copyLink}>
                Copy link
              </Button>
            </>
          ) : undefined}
          <Button kind="quiet" icon="cross" label="Close" onPress={() => setQuery({ artifact: undefined })} />
        </div>
      </header>
      <dl class="artifact-facts">
        <div>
          <dt>Type</dt>
          <dd>
            {contentType}
            {contentEncoding === undefined ? "" : `, ${contentEncoding}`}
          </dd>
        </div>
        {sizeBytes === undefined ? undefined : (
          <div>
            <dt>Size</dt>
            <dd>{formatBytes(sizeBytes)}</dd>
          </div>
        )}
        <div>
          <dt>Expires</dt>
          <dd>
            <RelativeTime at={expires} />
          </dd>
        </div>
        {sha256 === undefined ? undefined : (
          <div>
            <dt>SHA-256</dt>
            <dd>
              <code>{sha256}</code>
            </dd>
          </div>
        )}
      </dl>
      <Preview artifact={artifact} path={path} />
    </section>
  );
}
