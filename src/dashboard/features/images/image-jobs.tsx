import { useEffect } from "preact/hooks";
import type { ApiJob, ApiJobs } from "../../../generated/api.ts";
import { refreshAll, useResource } from "../../core/resource.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { imagePath } from "./image-api.ts";
import { shortDigest } from "./image-facts.ts";

const EVERY_MS = 1_000;
const SHOWN = 5;

const LOOKS: Readonly<Record<ApiJob["state"], { icon: IconName; tone: string }>> = {
  running: { icon: "clock", tone: "active" },
  done: { icon: "check", tone: "good" },
  failed: { icon: "cross", tone: "bad" },
};

/** What is being fetched and warmed, and was lately. */
export function ImageJobs({ worker }: { worker: string | undefined }) {
  const { data } = useResource<ApiJobs>(imagePath(worker, "/jobs"), { everyMs: EVERY_MS });
  const done = data?.filter(({ state }) => state === "done").length ?? 0;
  useEffect(() => {
    if (done > 0) refreshAll();
  }, [done]);
  if (data === undefined || data.length === 0) return null;
  return (
    <section class="section" aria-label="Jobs">
      <ul class="card image-jobs">
        {data.slice(0, SHOWN).map(({ job, kind, state, started, progress, image, error }) => (
          <li key={job}>
            <span class={`badge ${LOOKS[state].tone}`}>
              <Icon name={LOOKS[state].icon} />
              {kind} {state}
            </span>
            <span class="image-progress" role={state === "running" ? "status" : undefined}>
              {error?.message ?? progress ?? (image === undefined ? "" : shortDigest(image))}
            </span>
            <span class="quiet-text small">
              <RelativeTime at={started} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
