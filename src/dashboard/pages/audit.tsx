/** Who did what; for administrators. */
import { useCallback, useEffect, useState } from "preact/hooks";
import type { ApiAuditEntries } from "../../generated/api.ts";
import { type ApiFailure, getJson } from "../core/api.ts";
import { plural } from "../core/format.ts";
import { query, setQuery } from "../core/router.ts";
import { may } from "../core/session.ts";
import { href } from "../features/audit/audit.css";
import { EntryRow } from "../features/audit/entry-row.tsx";
import { matches } from "../features/audit/match.ts";
import { Button } from "../ui/button.tsx";
import { Icon } from "../ui/icon.tsx";
import { Empty, ErrorNotice, Loading } from "../ui/notices.tsx";
import { Page } from "../ui/page.tsx";
import { styled } from "../ui/styled.tsx";

const PAGE_ENTRIES = 100;

export const AuditPage = styled(href, () => {
  if (may("administer")) return <Log />;
  return (
    <Page title="Audit">
      <Empty icon="ban" title="You may not read the audit log.">
        It takes the role admin.
      </Empty>
    </Page>
  );
});

function Log() {
  const [entries, setEntries] = useState<ApiAuditEntries>();
  const [isEnd, setEnd] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const load = useCallback(async (older: ApiAuditEntries) => {
    const last = older.at(-1);
    try {
      const before = last === undefined ? "" : `&before=${encodeURIComponent(last.id)}`;
      const next = await getJson<ApiAuditEntries>(`/audit?limit=${PAGE_ENTRIES}${before}`);
      setEntries([...older, ...next]);
      setEnd(next.length < PAGE_ENTRIES);
      setFailure(undefined);
    } catch (error) {
      setFailure(error as ApiFailure);
    }
  }, []);
  useEffect(() => void load([]), [load]);
  const words = query.value.get("filter") ?? "";
  const shown = entries?.filter((entry) => matches(entry, words)) ?? [];
  return (
    <Page
      title="Audit"
      actions={
        <Button icon="rerun" onPress={() => load([])}>
          Load again
        </Button>
      }
    >
      <div class="search audit-search">
        <Icon name="search" />
        <input
          type="search"
          class="input"
          aria-label="Filter"
          placeholder="Who, what, on what, from where …"
          value={words}
          onInput={({ currentTarget }) => setQuery({ filter: currentTarget.value })}
        />
      </div>
      {failure === undefined ? undefined : <ErrorNotice error={failure} onRetry={() => load(entries ?? [])} />}
      {entries === undefined && failure === undefined ? <Loading lines={6} /> : undefined}
      {entries?.length === 0 ? <Empty icon="shield" title="Nobody has done anything yet." /> : undefined}
      {entries === undefined || entries.length === 0 ? undefined : (
        <>
          <p class="quiet-text small" role="status">
            {plural(shown.length, "entry", "entries")}
            {words === "" ? "" : ` of the ${entries.length} that are loaded`}
          </p>
          {shown.length === 0 ? undefined : (
            <div class="card audit-table">
              <table>
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">Who</th>
                    <th scope="col">What</th>
                    <th scope="col" class="cell-address">
                      From
                    </th>
                    <th scope="col">Outcome</th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map((entry) => (
                    <EntryRow key={entry.id} entry={entry} />
                  ))}
                </tbody>
              </table>
            </div>
          )}
          {isEnd ? undefined : (
            <div>
              <Button icon="arrowDown" onPress={() => load(entries)}>
                Load older entries
              </Button>
            </div>
          )}
        </>
      )}
    </Page>
  );
}
