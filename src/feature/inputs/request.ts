/** What a task says of its inputs, parsed; what its schema cannot say of them. Pure. */
import type { Issue } from "../../base/errors.ts";
import { allowingPrefix, type UrlPrefix } from "../../base/url-prefix.ts";
import type { InputsSettings } from "../../config/features/inputs.ts";
import type { FeatureInputs } from "../../generated/feature-inputs.ts";
import { joinPath } from "../../schema/document-path.ts";

export type InputRequest = InlineInput | FetchedInput;

interface InputPlace {
  /** Absolute, in the guest; of an archive to unpack, the folder. */
  readonly path: string;
  /** Undefined: that of the command. */
  readonly user: string | undefined;
}

export interface InlineInput extends InputPlace {
  readonly kind: "inline";
  readonly content: string;
  readonly mode: number;
}

export interface FetchedInput extends InputPlace {
  readonly kind: "fetched";
  readonly url: string;
  /** In hexadecimal. */
  readonly sha256: string;
  /** Of an archive to unpack, of no importance. */
  readonly mode: number;
  readonly extract: boolean;
}

const DEFAULT_MODE = "644";

/** @param inputs Without an issue. */
export function inputRequests(inputs: FeatureInputs = []): InputRequest[] {
  return inputs.map(({ url, sha256 = "", content = "", path, mode = DEFAULT_MODE, user, extract = false }) => {
    const place = { path, user, mode: Number.parseInt(mode, 8) };
    if (url === undefined) return { kind: "inline", content, ...place };
    return { kind: "fetched", url, sha256, extract, ...place };
  });
}

export function inputIssues(inputs: unknown, { allow }: InputsSettings): Issue[] {
  if (!Array.isArray(inputs)) return [];
  const indexByPath = new Map<unknown, number>();
  return inputs.flatMap((input: unknown, index) => {
    if (typeof input !== "object" || input === null) return [];
    const fields = input as Record<string, unknown>;
    const taken = indexByPath.get(fields["path"]);
    if (taken === undefined) indexByPath.set(fields["path"], index);
    const issues = [...shapeIssues(fields), ...urlIssues(fields["url"], allow)];
    if (taken !== undefined) issues.push({ path: "path", message: `is that of inputs[${taken}] already` });
    const place = joinPath("inputs", index);
    return issues.map(({ path, message }) => ({ path: path === "" ? place : `${place}.${path}`, message }));
  });
}

function shapeIssues({ url, sha256, content, mode, extract }: Readonly<Record<string, unknown>>): Issue[] {
  if (url === undefined && content === undefined) return [{ path: "", message: "must have either url or content" }];
  if (url !== undefined && content !== undefined) return [{ path: "", message: "has both url and content" }];
  if (url === undefined) {
    return [
      ...(sha256 === undefined ? [] : [{ path: "sha256", message: "is for a url" }]),
      ...(extract === true ? [{ path: "extract", message: "is for a url" }] : []),
    ];
  }
  return [
    ...(sha256 === undefined ? [{ path: "sha256", message: "must be there for a url" }] : []),
    ...(extract === true && mode !== undefined ? [{ path: "mode", message: "is not for an archive to unpack" }] : []),
  ];
}

function urlIssues(text: unknown, allow: readonly UrlPrefix[]): Issue[] {
  if (typeof text !== "string" || !/^https?:/.test(text)) return [];
  const url = URL.parse(text);
  if (url === null) return [{ path: "url", message: "is no URL" }];
  const why = refusalOf(url, allow);
  return why === undefined ? [] : [{ path: "url", message: why }];
}

/** Why `url` may not be fetched; undefined if it may. */
export function refusalOf(url: URL, allow: readonly UrlPrefix[]): string | undefined {
  if (allowingPrefix(url, allow) !== undefined) return undefined;
  if (allow.length === 0) return "is not fetched: this worker fetches nothing; see features.inputs.allow there";
  return `is not fetched: this worker fetches only what begins with ${allow.map((prefix) => prefix.text).join(", ")}`;
}
