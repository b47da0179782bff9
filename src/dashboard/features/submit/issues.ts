/** What is wrong with a document, by where it is. Pure. */
import type { ApiIssue } from "../../../generated/api.ts";
import { isObject, type Path } from "./document-text.ts";

const PLAIN_KEY = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;

/** As the server writes places: `payload.artifacts[0].name`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (!PLAIN_KEY.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** Those of a place and what is in it. */
export function issuesAt(issues: readonly ApiIssue[], path: Path): ApiIssue[] {
  const at = pathText(path);
  return issues.filter(
    (issue) => issue.path === at || issue.path.startsWith(`${at}.`) || issue.path.startsWith(`${at}[`),
  );
}

/** Those that an error of the server has with it. */
export function issuesOf(details: unknown): ApiIssue[] {
  const list = isObject(details) ? details["issues"] : details;
  return Array.isArray(list) ? list.filter(isIssue) : [];
}

function isIssue(value: unknown): value is ApiIssue {
  return isObject(value) && typeof value["path"] === "string" && typeof value["message"] === "string";
}
