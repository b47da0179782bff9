import { useEffect, useState } from "preact/hooks";
import type { ApiIssue, ApiIssues } from "../../../generated/api.ts";
import { messageOf, send } from "../../core/api.ts";
import type { Parsed } from "./document-text.ts";

export interface Check {
  readonly issues: readonly ApiIssue[];
  /** They are those of the document as it is now. */
  readonly isCurrent: boolean;
  /** Why the server could not be asked. */
  readonly failure: string | undefined;
}

const PAUSE_MS = 350;

/** What the server finds wrong with the document, a moment after it was changed. @param parsed The same object while it is the same. */
export function useCheck(parsed: Parsed): Check {
  const [answer, setAnswer] = useState<{ of: Parsed; issues: readonly ApiIssue[]; failure?: string }>();
  useEffect(() => {
    if (!parsed.isValid) return undefined;
    let isWanted = true;
    const timer = setTimeout(() => {
      send<ApiIssues>("POST", "/tasks/check", parsed.value).then(
        ({ issues }) => isWanted && setAnswer({ of: parsed, issues }),
        (error: unknown) => isWanted && setAnswer({ of: parsed, issues: [], failure: messageOf(error) }),
      );
    }, PAUSE_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [parsed]);
  if (!parsed.isValid) {
    const where = parsed.line === undefined ? "" : `line ${parsed.line}: `;
    return { issues: [{ path: "", message: where + parsed.message }], isCurrent: true, failure: undefined };
  }
  return { issues: answer?.issues ?? [], isCurrent: answer?.of === parsed, failure: answer?.failure };
}
