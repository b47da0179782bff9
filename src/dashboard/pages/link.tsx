/** A link to a machine: its screen or a shell, as large as the window, for who has the link. No login is needed. */
import { useMemo, useState } from "preact/hooks";
import { shortId } from "../core/format.ts";
import { address } from "../core/router.ts";
import { taskPath } from "../core/routes.ts";
import { session } from "../core/session.ts";
import { openByLink } from "../features/machine/access.ts";
import { type LinkTarget, parseLink } from "../features/machine/link-target.ts";
import { lazy } from "../ui/lazy.tsx";
import { Empty } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

const Screen = lazy(async () => (await import("../features/display/screen.tsx")).Screen);
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
  const { task, run, kind, mode } = target;
  const isKnown = session.value?.principal != null;
  return (
    <Page
      isWide
      title={kind === "display" ? "Screen of a machine" : "Shell in a machine"}
      actions={
        <span class="quiet-text small">
          Task {isKnown ? <a href={taskPath(task, { run })}>{shortId(task)}</a> : shortId(task)}, run {run}
        </span>
      }
    >
      {kind === "display" ? <Screen mode={mode} open={open} /> : <Shells open={open} isSingle />}
    </Page>
  );
}
