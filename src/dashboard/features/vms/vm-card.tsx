import type { ApiVm } from "../../../generated/api.ts";
import { machinePath } from "../../core/routes.ts";
import { Icon } from "../../ui/icon.tsx";
import { StateBadge } from "../../ui/state-badge.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { Thumbnail } from "../screens/thumbnail.tsx";
import { useVmRights } from "./use-vm-rights.ts";
import { VmActions } from "./vm-actions.tsx";
import { VmOrigin } from "./vm-origin.tsx";
import { portText, vmSize, vmTitle } from "./vm-words.ts";

/** A machine that stays: what it shows, what it is, and what one does most with it. */
export function VmCard({ vm, worker }: { vm: ApiVm; worker: string | undefined }) {
  const { id, name, state, reason, image, from, ports, changed, display } = vm;
  const rights = useVmRights(vm);
  const title = vmTitle(vm);
  return (
    <article class="card vm" aria-label={title}>
      {state === "running" && display ? (
        <Thumbnail machine={{ vm: id, worker }} />
      ) : (
        <div class="thumbnail">
          <Icon name={display ? "screen" : "terminal"} />
        </div>
      )}
      <div class="vm-body">
        <header>
          <h2>
            <a href={machinePath(id, { worker })}>{title}</a>
          </h2>
          <StateBadge state={state} />
        </header>
        <p class="small vm-line">
          <span>{image.reference}</span>
          <span class="quiet-text">{vmSize(vm)}</span>
          {name === undefined ? undefined : <code class="quiet-text">{id}</code>}
        </p>
        {from === undefined ? undefined : (
          <p class="small quiet-text">
            From <VmOrigin from={from} worker={worker} />
          </p>
        )}
        {ports.length === 0 ? undefined : (
          <p class="small quiet-text vm-line">
            {ports.map((port) => (
              <span key={portText(port)}>{portText(port)}</span>
            ))}
          </p>
        )}
        {state === "error" && reason !== undefined ? <p class="small vm-reason">{reason}</p> : undefined}
        <footer>
          <span class="small quiet-text">
            {state} since <RelativeTime at={changed} />
          </span>
          <div class="actions">
            <VmActions vm={vm} worker={worker} rights={rights} />
          </div>
        </footer>
      </div>
    </article>
  );
}
