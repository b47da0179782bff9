/** What the fields of the form have in common: the document, what is wrong with it, and how a place is changed. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { ApiIssue } from "../../../generated/api.ts";
import type { Json, JsonObject, Path } from "./document-text.ts";

export interface FormState {
  readonly document: JsonObject;
  readonly issues: readonly ApiIssue[];
  /** @param value Undefined: the place goes. */
  readonly set: (path: Path, value: Json | undefined) => void;
}

export const FormContext = createContext<FormState>({ document: {}, issues: [], set: () => {} });

export function useForm(): FormState {
  return useContext(FormContext);
}
