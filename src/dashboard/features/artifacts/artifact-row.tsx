import type { ApiArtifact } from "../../../generated/api.ts";
import { API } from "../../core/api.ts";
import { formatBytes } from "../../core/format.ts";
import { address } from "../../core/router.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { previewKind } from "./preview-kind.ts";
import { baseName } from "./tree.ts";

interface ArtifactRowProps {
  artifact: ApiArtifact;
  isSelected: boolean;
  /** Below the API. */
  path: string;
}

const ICONS: Readonly<Record<ReturnType<typeof previewKind>, IconName>> = {
  ...{ image: "camera", json: "list", text: "wrap", html: "external", none: "archive" },
};

export function ArtifactRow({ artifact, isSelected, path }: ArtifactRowProps) {
  const { name, contentType, sizeBytes, expires, error, link } = artifact;
  return (
    <li class={isSelected ? "artifact-row current" : "artifact-row"}>
      <Icon name={error === undefined ? ICONS[previewKind(artifact)] : "warning"} />
      <div class="artifact-name">
        <a href={`${address.value.path}?artifact=${encodeURIComponent(name)}`} aria-current={isSelected || undefined}>
          {baseName(name)}
        </a>
        <p class="quiet-text small">
          {error === undefined ? contentType : <span class="bad-text">{error.message}</span>}
          {link?.artifact === undefined ? undefined : <> → {link.artifact}</>}
        </p>
      </div>
      <span class="quiet-text small number">{sizeBytes === undefined ? "" : formatBytes(sizeBytes)}</span>
      <span class="quiet-text small artifact-expiry">
        expires <RelativeTime at={expires} />
      </span>
      {error === undefined ? (
        <a
          class="button quiet icon-only"
          href={API + path}
          download={baseName(name)}
          aria-label={`Download ${name}`}
          title="Download"
        >
          <Icon name="download" />
        </a>
      ) : (
        <span />
      )}
    </li>
  );
}
