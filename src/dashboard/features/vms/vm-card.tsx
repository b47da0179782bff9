import type { ApiVm } from "../../../generated/api.ts";
import { machinePath } from "../../core/routes.ts";
import { Icon } from "../../ui/icon.tsx";
import { StateBadge } from "../../ui/state-badge.tsx";
import { Elapsed } from "../../ui/time.tsx";
import { Thumbnail } from "../screens/thumbnail.tsx";
import { useVmRights } from "./use-vm-rights.ts";
import { VmActions } from "./vm-actions.tsx";
import { VmOrigin } from "./vm-origin.tsx";
import { imageName, isLive, portText, vmSize, vmTitle } from "./vm-words.ts";

/** A machine that stays: what it shows, what it is, and what one does most with it. */
export function VmCard({ vm, worker }: { vm: ApiVm; worker: string | undefined }) {
  const { id, name, state, reason, from, ports, changed, display } = vm;
  const rights = useVmRights(vm);
  const title = vmTitle(vm);
  return (
    <article class="card vm" aria-label={title}>
      {isLive(vm) && display ? (
        <Thumbnail machine={{ vm: id, worker }} />
      ) : (
        <div class={isLive(vm) ? "thumbnail" : "thumbnail vm-off"}>
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
          <span title={vm.image.digest}>{imageName(vm)}</span>
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
            {state === "error" ? "at fault for" : `${state} for`} <Elapsed since={changed} />
          </span>
          <div class="actions">
            <VmActions vm={vm} worker={worker} rights={rights} />
          </div>
        </footer>
      </div>
    </article>
  );
}
