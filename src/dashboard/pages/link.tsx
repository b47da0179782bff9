/** A link to a machine: its screen or a shell, as large as the window, for who has the link. No login is needed. */
import { useMemo, useState } from "preact/hooks";
import { shortId } from "../core/format.ts";
import { address } from "../core/router.ts";
import { machinePath, taskPath } from "../core/routes.ts";
import { session } from "../core/session.ts";
import { openByLink } from "../features/machine/access.ts";
import { type LinkTarget, type MachinePlace, parseLink } from "../features/machine/link-target.ts";
import { lazy } from "../ui/lazy.tsx";
import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

const Screen = lazy(async () => (await import("../features/display/screen.tsx")).Screen);
const Console = lazy(async () => (await import("../features/console/console.tsx")).Console);
const Shells = lazy(async () => (await import("../features/terminal/shells.tsx")).Shells);

export function LinkPage() {
  // It is taken out of the address at once: nobody reads it over a shoulder, or sends it on by mistake.
  const [target] = useState(takeTarget);
  if (target !== undefined) return <Machine target={target} />;
  return (
    <Page title="Link to a machine">
      <Empty icon="link" title="This link is not whole, or has been used.">
        Ask who gave it to you for a new one: it is good once, and for a minute.
      </Empty>
    </Page>
  );
}

function takeTarget(): LinkTarget | undefined {
  const target = parseLink(address.peek().hash);
  history.replaceState(undefined, "", location.pathname);
  return target;
}

function Machine({ target }: { target: LinkTarget }) {
  const open = useMemo(() => openByLink(target), [target]);
  const { kind, mode } = target;
  return (
    <Page
      isWide
      title={TITLES[kind]}
      actions={
        <span class="quiet-text small">
          <Place {...target} />
        </span>
      }
    >
      {kind === "display" ? <Screen mode={mode} open={open} /> : undefined}
      {kind === "shell" ? <Shells open={open} isSingle /> : undefined}
      {kind === "console" ? <Console mode={mode} open={open} /> : undefined}
    </Page>
  );
}

const TITLES = {
  display: "Screen of a machine",
  shell: "Shell in a machine",
  console: "Console of a machine",
} as const;

/** Who has logged in may go there. */
function Place(place: MachinePlace) {
  const isKnown = session.value?.principal != null;
  if ("vm" in place) {
    const { vm, worker } = place;
    return <>Machine {isKnown ? <a href={machinePath(vm, { worker })}>{vm}</a> : vm}</>;
  }
  const { task, run } = place;
  return (
    <>
      Task {isKnown ? <a href={taskPath(task, { run })}>{shortId(task)}</a> : shortId(task)}, run {run}
    </>
  );
}
