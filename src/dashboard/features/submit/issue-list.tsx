import { Icon } from "../../ui/icon.tsx";
import type { Check } from "./use-check.ts";

/** Everything that is wrong, with its place; read aloud as it changes. */
export function IssueList({ id, check }: { id: string; check: Check }) {
  const { issues, isCurrent, failure } = check;
  return (
    <div id={id} class="issues" aria-live="polite" aria-busy={!isCurrent}>
      {failure !== undefined ? (
        <p class="quiet-text small">It could not be checked: {failure}</p>
      ) : issues.length > 0 ? (
        <ul class="notice bad">
          {issues.map(({ path, message }) => (
            <li key={path + message}>
              {path === "" ? undefined : <code>{path}</code>} {message}
            </li>
          ))}
        </ul>
      ) : (
        <p class="quiet-text small">
          <Icon name={isCurrent ? "check" : "clock"} /> {isCurrent ? "Nothing is wrong with it." : "Checking …"}
        </p>
      )}
    </div>
  );
}
