import type { ApiAuditEntry } from "../../../generated/api.ts";
import { RelativeTime } from "../../ui/time.tsx";

/** One thing somebody did. */
export function EntryRow({ entry }: { entry: ApiAuditEntry }) {
  const { time, principal, via, action, target, address, outcome, details } = entry;
  return (
    <tr>
      <td class="cell-time">
        <RelativeTime at={time} />
      </td>
      <th scope="row">
        {principal} <span class="quiet-text small">{via}</span>
      </th>
      <td>
        <code>{action}</code>
        {target === undefined ? undefined : <p class="quiet-text small audit-target">{target}</p>}
        {details === undefined ? undefined : (
          <details>
            <summary class="small">More</summary>
            <pre class="small">{JSON.stringify(details, undefined, 2)}</pre>
          </details>
        )}
      </td>
      <td class="cell-address quiet-text small">{address}</td>
      <td>
        <span class={`badge plain ${isGood(outcome) ? "good" : "bad"}`}>{outcome}</span>
      </td>
    </tr>
  );
}

function isGood(outcome: string): boolean {
  return /^(?:ok|done|success|allowed|granted|began|2\d\d)/i.test(outcome);
}
