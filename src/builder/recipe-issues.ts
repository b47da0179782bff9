/** What is wrong with a recipe beside what its schema says. Pure. */
import type { Issue } from "../base/errors.ts";
import { unsafePathReason } from "../base/relative-path.ts";
import { networkIssues } from "../feature/network/request.ts";
import { durationIssues } from "../schema/duration.ts";

type Fields = Readonly<Record<string, unknown>>;

/** @param data Looked at only where it has the right shape: the schema speaks of the rest. */
export function recipeIssues(data: unknown): Issue[] {
  if (!isObject(data)) return [];
  return [
    ...baseIssues(data),
    ...fileIssues(list(data["files"])),
    ...userIssues(list(data["users"])),
    ...networkIssues(data["network"], { max: "internet", allow: undefined }),
    ...durations("timeout", data["timeout"]),
  ];
}

function baseIssues(data: Fields): Issue[] {
  const from = data["from"];
  if (!isObject(from)) return [];
  const isDebian = typeof from["debian"] === "string";
  const issues: Issue[] = [];
  if (data["boot"] !== undefined && !isDebian) issues.push({ path: "boot", message: "is for images from debian only" });
  if (data["agent"] !== undefined && !isDebian && from["disk"] === undefined) {
    issues.push({ path: "agent", message: "is for images from debian, and from a disk" });
  }
  if (isDebian && data["agent"] === false && (data["boot"] ?? "agent") === "agent") {
    const message = "cannot be false where boot is agent: nothing else would run";
    return [...issues, { path: "agent", message }];
  }
  return [...issues, ...diskIssues(from["disk"]), ...isoIssues(from["iso"])];
}

function diskIssues(disk: unknown): Issue[] {
  if (!isObject(disk)) return [];
  const { source, sha256, format } = disk;
  const isKnown = typeof source !== "string" || format !== undefined || /\.(qcow2|raw|img|vmdk|vdi)$/i.test(source);
  const message = "is missing, and the name does not end in .qcow2, .raw, .img, .vmdk or .vdi";
  return [
    ...sourceIssues("from.disk", source, "sha256", sha256),
    ...(isKnown ? [] : [{ path: "from.disk.format", message }]),
  ];
}

function isoIssues(iso: unknown): Issue[] {
  if (!isObject(iso)) return [];
  return [
    ...sourceIssues("from.iso", iso["source"], "sha256", iso["sha256"]),
    ...sourceIssues("from.iso", iso["second"], "secondSha256", iso["secondSha256"], "second"),
    ...list(iso["keys"]).flatMap((step, index) =>
      isObject(step) ? durations(`from.iso.keys[${index}].wait`, step["wait"]) : [],
    ),
  ];
}

function sourceIssues(base: string, source: unknown, key: string, sha256: unknown, name = "source"): Issue[] {
  if (typeof source !== "string" || !/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return [];
  if (!/^https?:\/\//.test(source) || !URL.canParse(source)) {
    return [{ path: `${base}.${name}`, message: "must be a path, or an http:// or https:// URL" }];
  }
  if (sha256 !== undefined) return [];
  return [{ path: `${base}.${key}`, message: "is missing; what is fetched from a URL must have its digest" }];
}

function fileIssues(files: readonly unknown[]): Issue[] {
  const seen = new Map<string, number>();
  return files.flatMap((entry, index): Issue[] => {
    if (!isObject(entry)) return [];
    const place = `files[${index}]`;
    const issues: Issue[] = [];
    if ((entry["content"] === undefined) === (entry["source"] === undefined)) {
      issues.push({ path: place, message: "must have either content or source" });
    }
    const { path } = entry;
    if (typeof path !== "string" || !path.startsWith("/")) return issues;
    const reason = unsafePathReason(path.slice(1));
    if (reason !== undefined) issues.push({ path: `${place}.path`, message: `cannot be a file's: ${reason}` });
    const first = seen.get(path);
    if (first !== undefined) issues.push({ path: `${place}.path`, message: `is that of files[${first}] too` });
    else seen.set(path, index);
    return issues;
  });
}

/** In every image that Boxcar makes of Debian packages. */
const TAKEN = new Set<unknown>(["root", "boxcar"]);

function userIssues(users: readonly unknown[]): Issue[] {
  const entries = users.map((user) => (isObject(user) ? user : {}));
  return entries.flatMap((user, index): Issue[] => {
    const taken = { path: `users[${index}].name`, message: "is a user that is there already" };
    const repeated = ["name", "uid"].flatMap((key): Issue[] => {
      const first = user[key] === undefined ? index : entries.findIndex((other) => other[key] === user[key]);
      return first === index ? [] : [{ path: `users[${index}].${key}`, message: `is that of users[${first}] too` }];
    });
    return TAKEN.has(user["name"]) ? [taken, ...repeated] : repeated;
  });
}

function durations(path: string, value: unknown): Issue[] {
  return typeof value === "number" || typeof value === "string" ? durationIssues(path, value) : [];
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
