/**
 * Pictures of the screen in the order of time: one large, all small, and a slider.
 *
 *   at the end (a new picture becomes the large one) ⇄ at one that was chosen
 */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { ApiScreenshot, ApiScreenshots } from "../../../generated/api.ts";
import type { ServerEvent } from "../../api-types.ts";
import { API, apiPath } from "../../core/api.ts";
import { formatSeconds } from "../../core/format.ts";
import { type Shortcut, useShortcuts } from "../../core/keys.ts";
import { useResource } from "../../core/resource.ts";
import { Button } from "../../ui/button.tsx";
import { Empty, ErrorNotice, Loading } from "../../ui/notices.tsx";
import type { RunSlotProps } from "../slot.ts";

const LIVE_MS = 3_000;
const onTask = ({ name }: ServerEvent) => name === "task";

export function Screenshots({ task, run, report }: RunSlotProps) {
  const path = apiPath`/tasks/${task.taskId}/runs/${run}/screenshots`;
  const isLive = report?.state === "running";
  const { data, error, refresh } = useResource<ApiScreenshots>(path, {
    on: onTask,
    ...(isLive ? { everyMs: LIVE_MS } : {}),
  });
  if (data === undefined) return error === undefined ? <Loading /> : <Missing error={error} onRetry={refresh} />;
  if (data.length === 0) {
    return (
      <Empty icon="camera" title={isLive ? "No picture has been taken yet." : "No picture was taken."}>
        <p>
          A task that has <code>screenshots: &#123;every: "10 seconds"&#125;</code> in its payload has one taken so
          often; one that fails, at its end.
        </p>
      </Empty>
    );
  }
  const begin = report?.phases[0]?.startedAt ?? data[0]?.time ?? "";
  return <Scrubber pictures={data} base={`${API}${path}`} begin={begin} isLive={isLive} />;
}

function Missing({ error, onRetry }: { error: Parameters<typeof ErrorNotice>[0]["error"]; onRetry: () => unknown }) {
  if (error.status === 404) return <Empty icon="camera" title="No picture was taken." />;
  return <ErrorNotice error={error} onRetry={onRetry} />;
}

interface ScrubberProps {
  pictures: readonly ApiScreenshot[];
  base: string;
  begin: string;
  isLive: boolean;
}

function Scrubber({ pictures, base, begin, isLive }: ScrubberProps) {
  /** Undefined: the last. */
  const chosen = useSignal<string | undefined>(undefined);
  const strip = useRef<HTMLUListElement>(null);
  const last = pictures.length - 1;
  const found = pictures.findIndex(({ name }) => name === chosen.value);
  const index = found === -1 ? last : found;
  const picture = pictures[index];
  const go = (to: number) => {
    const next = Math.min(last, Math.max(0, to));
    chosen.value = next === last ? undefined : pictures[next]?.name;
  };
  const latest = useRef(go);
  latest.current = go;
  const position = useRef(index);
  position.current = index;
  useShortcuts(useMemo(() => keysFor(latest, position), []));
  useEffect(() => {
    strip.current?.children[index]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [index]);
  if (picture === undefined) return null;
  const at = describe(picture, begin);
  return (
    <section class="screenshots" aria-label="Screenshots">
      <figure>
        <img class="screenshot" src={`${base}/${encodeURIComponent(picture.name)}`} alt={`The screen ${at}`} />
        <figcaption class="small number">
          {at} · {index + 1} of {pictures.length}
          {isLive && index === last ? " · the latest" : ""}
        </figcaption>
      </figure>
      <div class="scrubber">
        <Button icon="chevronLeft" label="Picture before (←)" isDisabled={index === 0} onPress={() => go(index - 1)} />
        <input
          type="range"
          aria-label="Picture"
          aria-valuetext={`${at}, ${index + 1} of ${pictures.length}`}
          min={0}
          max={last}
          value={index}
          onInput={({ currentTarget: { value } }) => go(Number(value))}
        />
        <Button
          icon="chevronRight"
          label="Next picture (→)"
          isDisabled={index === last}
          onPress={() => go(index + 1)}
        />
      </div>
      <ul class="strip" ref={strip}>
        {pictures.map((one, number) => (
          <li key={one.name}>
            <button
              type="button"
              tabIndex={-1}
              aria-label={`The screen ${describe(one, begin)}`}
              aria-current={number === index ? "true" : undefined}
              onClick={() => go(number)}
            >
              <img src={`${base}/${encodeURIComponent(one.name)}`} alt="" loading="lazy" width={112} height={63} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function describe({ time }: ApiScreenshot, begin: string): string {
  const clock = new Date(time).toLocaleTimeString();
  const after = Date.parse(time) - Date.parse(begin);
  return Number.isNaN(after) || after < 0 ? `at ${clock}` : `${formatSeconds(after)} into the run, at ${clock}`;
}

function keysFor(go: { readonly current: (to: number) => void }, position: { readonly current: number }): Shortcut[] {
  const group = "Screenshots";
  return [
    { keys: "ArrowLeft", label: "Picture before", group, run: () => go.current(position.current - 1) },
    { keys: "ArrowRight", label: "Next picture", group, run: () => go.current(position.current + 1) },
    { keys: "Home", label: "First picture", group, run: () => go.current(0) },
    { keys: "End", label: "Last picture, and those to come", group, run: () => go.current(Number.MAX_SAFE_INTEGER) },
  ];
}
