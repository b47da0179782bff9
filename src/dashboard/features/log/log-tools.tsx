/** Above the lines: search, jumps, switches. */
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { API } from "../../core/api.ts";
import { formatBytes, plural } from "../../core/format.ts";
import { type Shortcut, useShortcuts } from "../../core/keys.ts";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { toast } from "../../ui/toasts.tsx";
import { findFailure } from "./find-failure.ts";
import type { LineRange } from "./line-range.ts";
import { textOfLines } from "./log-line.ts";
import type { LogModel } from "./log-model.ts";

interface LogToolsProps {
  model: LogModel;
  /** Below the API. */
  path: string;
  fileName: string;
  choice: ComponentChildren;
  isWrapped: Signal<boolean>;
  isFollowing: Signal<boolean>;
  selected: LineRange | undefined;
  current: Signal<number | undefined>;
  onShow: (line: number) => void;
  onSelect: (range: LineRange) => void;
}

const STATES = {
  connecting: "connecting",
  open: "live",
  waiting: "reconnecting",
  missing: "not there",
  ended: "ended",
  refused: "refused",
} as const;

export function LogTools(props: LogToolsProps) {
  const { model, path, fileName, choice, isWrapped, isFollowing, selected, current, onShow, onSelect } = props;
  void model.version.value;
  const jump = () => {
    const line = findFailure(model.store);
    if (line === undefined) toast("Nothing in this log looks like a failure.");
    else {
      onSelect({ from: line + 1, to: line + 1 });
      onShow(line);
    }
  };
  const step = (direction: 1 | -1) => {
    const from = current.peek() ?? (direction === 1 ? -1 : model.store.lineCount);
    const line = model.search.peek()?.matchFrom(from, direction);
    if (line === undefined) return;
    current.value = line;
    onShow(line);
  };
  const keys = useMemo(
    (): Shortcut[] => [
      { keys: "n", label: "Next match", group: "Log", run: () => step(1) },
      { keys: "N", label: "Match before", group: "Log", run: () => step(-1) },
      { keys: "e", label: "Jump to the failure", group: "Log", run: jump },
      { keys: "f", label: "Follow the end", group: "Log", run: () => toggle(isFollowing) },
      { keys: "w", label: "Wrap long lines", group: "Log", run: () => toggle(isWrapped) },
    ],
    [model],
  );
  useShortcuts(keys);
  const { lineCount, sizeBytes, isFull } = model.store;
  return (
    <div class="log-tools">
      {choice}
      <Search model={model} current={current} step={step} onShow={onShow} />
      <Button icon="warning" onPress={jump} isDisabled={lineCount === 0} title="Jump to the failure (e)">
        <span class="log-word">Jump to failure</span>
      </Button>
      <Button
        icon="arrowDown"
        onPress={() => toggle(isFollowing)}
        isPressed={isFollowing.value}
        title="Follow the end (f)"
      >
        <span class="log-word">Follow</span>
      </Button>
      <Button icon="wrap" onPress={() => toggle(isWrapped)} isPressed={isWrapped.value} title="Wrap long lines (w)">
        <span class="log-word">Wrap</span>
      </Button>
      {selected === undefined ? undefined : <CopyLines model={model} range={selected} />}
      <a
        class="button icon-only"
        href={API + path}
        download={fileName}
        aria-label="Download the log"
        title="Download the log"
      >
        <Icon name="download" />
      </a>
      <p class="log-facts small quiet-text number">
        <span class={`log-state ${model.state.value}`}>{STATES[model.state.value]}</span>
        {plural(lineCount, "line")} · {formatBytes(sizeBytes)}
        {isFull ? " · the rest is in the download" : ""}
      </p>
    </div>
  );
}

function toggle(what: Signal<boolean>): void {
  what.value = !what.peek();
}

function CopyLines({ model, range }: { model: LogModel; range: LineRange }) {
  const copy = async () => {
    const to = Math.min(range.to, model.store.lineCount);
    await navigator.clipboard.writeText(textOfLines(model.store, range.from - 1, to));
    toast(`${plural(to - range.from + 1, "line")} copied`, "success");
  };
  const copyLink = async () => {
    await navigator.clipboard.writeText(location.href);
    toast("Link copied", "success");
  };
  return (
    <>
      <Button icon="copy" label="Copy the selected lines" onPress={copy} />
      <Button icon="link" label="Copy a link to the selected lines" onPress={copyLink} />
    </>
  );
}

interface SearchProps {
  model: LogModel;
  current: Signal<number | undefined>;
  step: (direction: 1 | -1) => void;
  onShow: (line: number) => void;
}

function Search({ model, current, step, onShow }: SearchProps) {
  const text = useSignal("");
  void model.searchVersion.value;
  const search = model.search.value;
  // The first match is shown as soon as there is one; later ones do not move what one reads.
  const isFirstShown = useSignal(true);
  const firstMatch = search?.matches[0];
  useEffect(() => {
    if (isFirstShown.peek() || firstMatch === undefined) return;
    isFirstShown.value = true;
    current.value = firstMatch;
    onShow(firstMatch);
  });
  const change = (next: string) => {
    text.value = next;
    current.value = undefined;
    isFirstShown.value = next === "";
    model.setSearch(next);
  };
  return (
    <div class="log-search">
      <div class="search">
        <Icon name="search" />
        <input
          class="input"
          type="search"
          aria-label="Search in the log"
          placeholder="Search ( / )"
          value={text.value}
          onInput={({ currentTarget }) => change(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
            else if (event.key === "Escape") {
              change("");
              event.currentTarget.blur();
            }
          }}
        />
      </div>
      {search === undefined ? undefined : (
        <>
          <span class="small quiet-text number" role="status">
            {describe(search.matches, current.value, search.isDone, search.isFull)}
          </span>
          <Button kind="quiet" icon="arrowUp" label="Match before (N)" onPress={() => step(-1)} />
          <Button kind="quiet" icon="arrowDown" label="Next match (n)" onPress={() => step(1)} />
        </>
      )}
    </div>
  );
}

function describe(matches: readonly number[], current: number | undefined, isDone: boolean, isFull: boolean): string {
  const more = isFull || !isDone ? "+" : "";
  if (matches.length === 0) return isDone ? "no line" : "…";
  const index = current === undefined ? -1 : matches.indexOf(current);
  const total = `${matches.length.toLocaleString("en")}${more}`;
  return index === -1
    ? `${total} ${matches.length === 1 ? "line" : "lines"}`
    : `${(index + 1).toLocaleString("en")} of ${total}`;
}
