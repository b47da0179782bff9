/** All tasks, filtered. The address has the filter, so that it can be kept and sent. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { ApiQueue, ApiTasks } from "../../generated/api.ts";
import type { ServerEvent } from "../api-types.ts";
import { type Shortcut, useShortcuts } from "../core/keys.ts";
import { useResource } from "../core/resource.ts";
import { query, setQuery } from "../core/router.ts";
import { may } from "../core/session.ts";
import { listPath, PAGE_SIZE, parseFilter, STATES, type TaskFilter, toggleState } from "../core/task-filter.ts";
import { TaskTable } from "../features/task-table.tsx";
import { Button } from "../ui/button.tsx";
import { Icon } from "../ui/icon.tsx";
import { Command, Empty, ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";

const onTask = { on: ({ name }: ServerEvent) => name === "task" };
const TYPING_MS = 250;

export function TasksPage() {
  const filter = parseFilter(query.value);
  const { data, error, refresh } = useResource<ApiTasks>(listPath(filter), onTask);
  const list = useRef<HTMLDivElement>(null);
  useShortcuts(useMemo(() => listKeys(list), []));
  const last = data?.[PAGE_SIZE - 1];
  const hasOlder = data !== undefined && data.length > PAGE_SIZE && last !== undefined;
  return (
    <Page
      title="Tasks"
      isWide
      actions={
        may("submit") ? (
          <a class="button primary" href="/submit">
            <Icon name="plus" />
            Submit a task
          </a>
        ) : undefined
      }
    >
      <Filters filter={filter} />
      {error === undefined ? undefined : <ErrorNotice error={error} onRetry={refresh} />}
      <div ref={list}>
        {data === undefined ? (
          error === undefined ? (
            <Loading lines={8} />
          ) : undefined
        ) : data.length === 0 ? (
          <NoTasks filter={filter} />
        ) : (
          <TaskTable tasks={data.slice(0, PAGE_SIZE)} />
        )}
      </div>
      {filter.before !== "" || hasOlder ? (
        <nav class="pager" aria-label="Older and newer tasks">
          <Button
            icon="chevronLeft"
            isDisabled={filter.before === ""}
            onPress={() => setQuery({ before: undefined }, { replace: false })}
          >
            Newest
          </Button>
          <Button isDisabled={!hasOlder} onPress={() => setQuery({ before: last?.taskId }, { replace: false })}>
            Older <Icon name="chevronRight" />
          </Button>
        </nav>
      ) : undefined}
    </Page>
  );
}

function Filters({ filter }: { filter: TaskFilter }) {
  const queues = useResource<ApiQueue>("/queue", onTask).data?.queues ?? [];
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (query.peek().get("focus") !== "search") return;
    setQuery({ focus: undefined });
    field.current?.focus();
  }, []);
  // Going back changes the address, and the field must follow; typing changes the field first.
  useEffect(() => {
    if (field.current !== null && field.current !== document.activeElement) field.current.value = filter.search;
  }, [filter.search]);
  const names = new Set([...queues.map(({ name }) => name), ...(filter.queue === "" ? [] : [filter.queue])]);
  return (
    <search class="filters">
      <div class="search">
        <Icon name="search" />
        <input
          ref={field}
          class="input"
          type="search"
          aria-label="Search tasks by name or id"
          placeholder="Name or id ( / )"
          defaultValue={filter.search}
          onInput={({ currentTarget: { value } }) => {
            clearTimeout(timer.current);
            timer.current = setTimeout(() => setQuery({ search: value, before: undefined }), TYPING_MS);
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
      </div>
      <fieldset class="chips">
        <legend class="visually-hidden">States</legend>
        {STATES.map((state) => (
          <button
            key={state}
            type="button"
            class="chip"
            aria-pressed={filter.states.includes(state)}
            onClick={() => setQuery({ state: toggleState(filter.states, state), before: undefined })}
          >
            {state}
          </button>
        ))}
      </fieldset>
      {names.size > 1 ? (
        <select
          class="input"
          aria-label="Queue"
          value={filter.queue}
          onChange={({ currentTarget: { value } }) => setQuery({ queue: value, before: undefined })}
        >
          <option value="">All queues</option>
          {[...names].map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      ) : undefined}
    </search>
  );
}

function NoTasks({ filter: { states, queue, search, before } }: { filter: TaskFilter }) {
  if (states.length === 0 && queue === "" && search === "" && before === "") {
    return (
      <Empty icon="list" title="There are no tasks yet.">
        <Command text="boxcar queue submit -- uname -a" />
      </Empty>
    );
  }
  return (
    <Empty icon="search" title="No task is like that.">
      <Button onPress={() => setQuery({ state: "", queue: "", search: "", before: "" })}>Show all tasks</Button>
    </Empty>
  );
}

/** The links of the rows, one after the other. */
function listKeys(list: { readonly current: HTMLElement | null }): Shortcut[] {
  const move = (by: number) => {
    const links = [...(list.current?.querySelectorAll<Element>("a[data-row]") ?? [])];
    const at = document.activeElement === null ? -1 : links.indexOf(document.activeElement);
    const next = links[at === -1 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))];
    if (next instanceof HTMLElement) next.focus();
  };
  return [
    { keys: "j", label: "Next task", group: "List", run: () => move(1) },
    { keys: "k", label: "Task before", group: "List", run: () => move(-1) },
  ];
}
