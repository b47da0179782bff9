import { RelativeTime } from "../../ui/time.tsx";
import type { StepFacts } from "./image-details.ts";
import { ImageLink } from "./image-link.tsx";

interface ImageHistoryProps {
  steps: readonly StepFacts[];
  /** The image whose page this is. */
  digest: string;
  /** Of images of the chain, by digest. */
  titles: ReadonlyMap<string, string>;
  worker: string | undefined;
}

/** How an image came to be, the newest first. */
export function ImageHistory({ steps, digest, titles, worker }: ImageHistoryProps) {
  return (
    <ol class="image-history">
      {steps.map(({ image, created, by, what }, index) => (
        <li key={`${index}${what}`} class={image === digest ? "history-row own" : "history-row"}>
          <p class="history-what">{what}</p>
          <p class="quiet-text small history-about">
            {created === undefined ? undefined : <RelativeTime at={created} />}
            {by === undefined ? undefined : <span>by {by}</span>}
            {image === digest ? undefined : (
              <span>
                for <ImageLink digest={image} title={titles.get(image)} worker={worker} />
              </span>
            )}
          </p>
        </li>
      ))}
    </ol>
  );
}
