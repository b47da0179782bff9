/** What is in an artifact, where a page can show it. Nothing of it runs: it comes from the machine of a task. */
import { useEffect, useState } from "preact/hooks";
import type { ApiArtifact } from "../../../generated/api.ts";
import { API, ApiFailure } from "../../core/api.ts";
import { formatBytes } from "../../core/format.ts";
import { Button } from "../../ui/button.tsx";
import { Empty, ErrorNotice, Loading } from "../../ui/notices.tsx";
import { type PreviewKind, prettyJson, previewKind } from "./preview-kind.ts";
import { readStart, type TextStart } from "./read-start.ts";

/** More than that of a text makes a page slow. */
const MAX_TEXT_BYTES = 512 * 1_024;

interface PreviewProps {
  artifact: ApiArtifact;
  /** Below the API. */
  path: string;
}

export function Preview({ artifact, path }: PreviewProps) {
  const kind = previewKind(artifact);
  if (artifact.error !== undefined) {
    return (
      <div class="notice bad">
        <div>
          <p>{artifact.error.message}</p>
          <p class="quiet-text">
            <code>{artifact.error.reason}</code>
          </p>
        </div>
      </div>
    );
  }
  if (kind === "image") return <ImagePreview name={artifact.name} path={path} />;
  if (kind === "html") return <HtmlPreview name={artifact.name} path={path} />;
  if (kind === "none") {
    return (
      <Empty icon="archive" title="There is no preview of this kind of file.">
        <code>{artifact.contentType}</code>
      </Empty>
    );
  }
  return <TextPreview kind={kind} path={path} />;
}

function ImagePreview({ name, path }: { name: string; path: string }) {
  const [hasFailed, setFailed] = useState(false);
  if (hasFailed) return <Empty icon="camera" title="This picture cannot be shown." />;
  return (
    <figure class="artifact-picture">
      <img src={API + path} alt={name} onError={() => setFailed(true)} />
    </figure>
  );
}

/** As text; or as a page of its own origin, without scripts. */
function HtmlPreview({ name, path }: { name: string; path: string }) {
  const [isPage, setPage] = useState(false);
  return (
    <div class="artifact-html">
      <div class="chips">
        <Button isPressed={!isPage} onPress={() => setPage(false)}>
          Text
        </Button>
        <Button isPressed={isPage} onPress={() => setPage(true)}>
          Page, without scripts
        </Button>
      </div>
      {isPage ? (
        <iframe title={`${name}, without scripts`} src={API + path} sandbox="" />
      ) : (
        <TextPreview kind="text" path={path} />
      )}
    </div>
  );
}

function TextPreview({ kind, path }: { kind: PreviewKind; path: string }) {
  const [loaded, setLoaded] = useState<TextStart>();
  const [failure, setFailure] = useState<ApiFailure>();
  useEffect(() => {
    const stop = new AbortController();
    readStart(path, MAX_TEXT_BYTES, stop.signal).then(setLoaded, (error: unknown) => {
      if (stop.signal.aborted) return;
      setFailure(
        error instanceof ApiFailure ? error : new ApiFailure(0, "cut-off", "the file could not be read whole"),
      );
    });
    return () => stop.abort();
  }, [path]);
  if (failure !== undefined) return <ErrorNotice error={failure} />;
  if (loaded === undefined) return <Loading lines={6} />;
  if (loaded.text === "") return <Empty icon="archive" title="The file is empty." />;
  return (
    <>
      {loaded.isCut ? (
        <p class="notice">The first {formatBytes(MAX_TEXT_BYTES)} are shown; download the file for the rest.</p>
      ) : undefined}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
      <section class="artifact-text" aria-label="Content of the file" tabIndex={0}>
        <pre>{kind === "json" && !loaded.isCut ? prettyJson(loaded.text) : loaded.text}</pre>
      </section>
    </>
  );
}
