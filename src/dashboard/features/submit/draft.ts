/** What is being written, kept while the tab lasts. */
import { type Format, type JsonObject, printDocument } from "./document-text.ts";

export interface Draft {
  readonly text: string;
  readonly format: Format;
}

const KEY = "boxcar.submit";

export const EMPTY: Draft = {
  format: "yaml",
  text: `metadata:
  name: hello
payload:
  command:
    - sh
    - -ec
    - |
      uname -a
      nproc
  maxRunTime: 10 minutes
`,
};

export function draftOf(definition: JsonObject): Draft {
  return { format: "yaml", text: printDocument(definition, "yaml") };
}

export function loadDraft(): Draft {
  try {
    const { text, format } = JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Partial<Draft>;
    if (typeof text === "string" && (format === "yaml" || format === "json")) return { text, format };
  } catch {}
  return EMPTY;
}

export function storeDraft(draft: Draft | undefined): void {
  try {
    if (draft === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(draft));
  } catch {}
}
