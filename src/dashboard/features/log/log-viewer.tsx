/** A log with its tools. The address says which lines are selected; what one searches and how one looks does not. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { address, setHash } from "../../core/router.ts";
import { Empty } from "../../ui/notices.tsx";
import { extendRange, formatLineRange, type LineRange, parseLineRange } from "./line-range.ts";
import { LogLines } from "./log-lines.tsx";
import { LogModel } from "./log-model.ts";
import { LogTools } from "./log-tools.tsx";

interface LogViewerProps {
  /** Of the log, below the API. */
  path: string;
  /** Of the download. */
  fileName: string;
  /** Whether more may come: then one is shown the end first. */
  isLive: boolean;
  /** Of another log, first among the tools. */
  choice?: ComponentChildren;
}

const WRAP_KEY = "boxcar.log.wrap";

export function LogViewer({ path, fileName, isLive, choice }: LogViewerProps) {
  const model = useMemo(() => new LogModel(path, isLive), [path]);
  useEffect(() => () => model[Symbol.dispose](), [model]);
  const selected = parseLineRange(address.value.hash);
  const isWrapped = useSignal(localStorage.getItem(WRAP_KEY) === "1");
  const isFollowing = useSignal(selected === undefined && isLive);
  const current = useSignal<number | undefined>(undefined);
  const target = useSignal<{ readonly line: number } | undefined>(
    selected === undefined ? undefined : { line: selected.from - 1 },
  );
  useEffect(() => localStorage.setItem(WRAP_KEY, isWrapped.value ? "1" : "0"), [isWrapped.value]);
  const show = (line: number) => {
    target.value = { line };
  };
  const select = (range: LineRange) => setHash(formatLineRange(range));
  const isEmpty = model.version.value === 0 && model.state.value !== "open" && model.state.value !== "ended";
  return (
    <div class="log">
      <LogTools
        model={model}
        path={path}
        fileName={fileName}
        choice={choice}
        isWrapped={isWrapped}
        isFollowing={isFollowing}
        selected={selected}
        current={current}
        onShow={show}
        onSelect={select}
      />
      {isEmpty && (model.state.value === "missing" || model.state.value === "refused") ? (
        <Empty icon="list" title={isLive ? "The log begins when the run does." : "There is no such log."}>
          <p>{model.error.value?.message}</p>
        </Empty>
      ) : (
        <LogLines
          model={model}
          isWrapped={isWrapped.value}
          isFollowing={isFollowing}
          selected={selected}
          current={current.value}
          target={target}
          onSelect={(number, isExtended) =>
            select(isExtended ? extendRange(selected, number) : { from: number, to: number })
          }
        />
      )}
    </div>
  );
}
