import { formatBytes } from "../../core/format.ts";
import { Icon } from "../../ui/icon.tsx";
import type { ChainLink, ImageChain } from "./image-chain.ts";
import { ImageLink } from "./image-link.tsx";

interface ChainViewProps {
  chain: ImageChain;
  self: ChainLink;
  worker: string | undefined;
}

/** The layers of an image as they lie on each other, and what lies on it. */
export function ChainView({ chain, self, worker }: ChainViewProps) {
  const { above, below } = chain;
  return (
    <>
      <ol class="chain" aria-label="From this image down">
        {[self, ...below].map((link, index) => (
          <li key={link.digest} class={index === 0 ? "chain-row chain-self" : "chain-row"}>
            <Icon name="disk" />
            <span class="chain-name">
              {index === 0 ? <strong>{link.title}</strong> : <ImageLink {...link} worker={worker} />}
            </span>
            <span class="quiet-text small">
              {link.diskBytes === undefined ? "not known here" : formatBytes(link.diskBytes)}
            </span>
          </li>
        ))}
      </ol>
      {above.length === 0 ? undefined : (
        <p class="small">
          On it {above.length === 1 ? "lies" : "lie"}{" "}
          {above.map((link, index) => (
            <span key={link.digest}>
              {index === 0 ? "" : ", "}
              <ImageLink {...link} worker={worker} />
            </span>
          ))}
          , so it stays as long as {above.length === 1 ? "that does" : "they do"}.
        </p>
      )}
    </>
  );
}
