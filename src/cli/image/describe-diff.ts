/** What differs between two images, as people read it. Pure. */
import { formatBytes } from "../../base/units.ts";
import type { BootFileDiff } from "../../builder/inspect/boot-files.ts";
import type { DocumentChange } from "../../builder/inspect/compare-documents.ts";
import type { Difference } from "../../builder/inspect/compare-files.ts";
import type { ComparedImage, DisksDiff, ImageDiff, Relation, VolumeDiff } from "../../builder/inspect/image-diff.ts";
import type { Volume } from "../../builder/inspect/records.ts";
import { table } from "../table.ts";
import { foldFolders } from "./fold-folders.ts";

export interface DescribeOptions {
  /** Every file and package. */
  isWhole: boolean;
}

interface Part {
  readonly title: string;
  readonly summary: string;
  readonly rows: readonly (readonly string[])[];
}

/** Of one kind in one part. */
const SHOWN = 25;
const MAX_VALUE = 200;

const RELATIONS: Readonly<Record<Relation, string | undefined>> = {
  same: "They are one image.",
  "b-on-a": "B is a layer on A: what differs is what the layer has made of it.",
  "a-on-b": "A is a layer on B: what differs is what the layer has made of it.",
  "one-origin": "Both are layers on the same image.",
  none: undefined,
};

export function describeDiff(diff: ImageDiff, options: DescribeOptions): string {
  const head = table([imageRow("A", diff.a), imageRow("B", diff.b)]);
  const relation = RELATIONS[diff.relation];
  const parts = partsOf(diff, options).map(({ title, summary, rows }) => {
    const heading = `${title}: ${summary}`;
    return rows.length === 0 ? heading : `${heading}\n${indented(table(evened(rows)))}`;
  });
  return [head, ...(relation === undefined ? [] : [relation]), ...parts].join("\n\n");
}

function imageRow(name: string, { reference, digest, virtualBytes }: ComparedImage): string[] {
  return [name, oneLine(reference), digest.slice("sha256:".length, "sha256:".length + 12), formatBytes(virtualBytes)];
}

function partsOf(diff: ImageDiff, options: DescribeOptions): Part[] {
  const { machine, boot, provenance, packages, files } = diff;
  return [
    ...(machine === undefined ? [] : [documentPart("Machine", machine)]),
    ...(boot === undefined ? [] : [bootPart(boot)]),
    ...(provenance === undefined ? [] : [documentPart("Provenance", provenance)]),
    ...(packages === undefined ? [] : [packagesPart(packages, options)]),
    ...(files === undefined ? [] : filesParts(files, options)),
  ];
}

function documentPart(title: string, changes: readonly DocumentChange[]): Part {
  const rows = changes.map(({ field, a, b }) => ["~", oneLine(field), change(a ?? "-", b ?? "-")]);
  return { title, summary: counted([[changes.length, "field", "differs", "differ"]]), rows };
}

function bootPart(changes: readonly BootFileDiff[]): Part {
  const shown = (file: BootFileDiff["a"]) =>
    file === undefined ? "-" : `${file.sha256.slice(0, 12)} (${formatBytes(file.sizeBytes)})`;
  const rows = changes.map(({ file, a, b }) => ["~", file, change(shown(a), shown(b))]);
  return { title: "Kernel and initrd", summary: counted([[changes.length, "file", "differs", "differ"]]), rows };
}

function packagesPart(packages: NonNullable<ImageDiff["packages"]>, { isWhole }: DescribeOptions): Part {
  const { added, removed, changed, same, from } = packages;
  const unknown = (["a", "b"] as const).filter((side) => from[side] === undefined).map((side) => side.toUpperCase());
  if (unknown.length > 0) {
    const summary = `nobody knows which are in ${unknown.join(" and ")}`;
    return { title: "Packages", summary, rows: [] };
  }
  const rows = [
    ...few("+", added, isWhole, ({ name, version }) => [name, version]),
    ...few("-", removed, isWhole, ({ name, version }) => [name, version]),
    ...few("~", changed, isWhole, ({ name, a, b }) => [name, change(a, b)]),
  ];
  return { title: "Packages", summary: sums(added.length, removed.length, changed.length, same), rows };
}

function filesParts(files: DisksDiff, { isWhole }: DescribeOptions): Part[] {
  const { added, removed, changed, same, volumes, troubles } = files;
  const fold = (list: DisksDiff["added"]) =>
    isWhole ? list.map((file) => ({ ...file, below: 0 })) : foldFolders(list);
  const oneSided = ({ path, sizeBytes, below }: ReturnType<typeof foldFolders>[number]) => [
    path,
    below === 0 ? formatBytes(sizeBytes) : `${formatBytes(sizeBytes)} in ${below.toLocaleString("en")} below it`,
  ];
  const rows = [
    ...few("+", fold(added), isWhole, oneSided),
    ...few("-", fold(removed), isWhole, oneSided),
    ...few("~", changed, isWhole, ({ path, differences }) => [path, differences.map(shownDifference).join(", ")]),
  ];
  const parts: Part[] = [{ title: "Files", summary: sums(added.length, removed.length, changed.length, same), rows }];
  if (volumes.length > 0) {
    parts.unshift({
      title: "Disks",
      summary: counted([[volumes.length, "part", "differs", "differ"]]),
      rows: volumes.map((volume) => ["~", volumeName(volume), change(shownVolume(volume.a), shownVolume(volume.b))]),
    });
  }
  if (troubles.length > 0) {
    const told = few("!", troubles, isWhole, (text) => [text]);
    parts.push({ title: "Not compared", summary: counted([[troubles.length, "place", "", ""]]), rows: told });
  }
  return parts;
}

function volumeName({ partition }: VolumeDiff): string {
  return partition === 0 ? "the whole disk" : `partition ${partition}`;
}

function shownVolume(volume: Volume | undefined): string {
  if (volume === undefined) return "-";
  const used = volume.usedBytes === 0 ? "" : `, ${formatBytes(volume.usedBytes)} used`;
  return `${volume.type}, ${formatBytes(volume.sizeBytes)}${used}`;
}

function shownDifference({ field, a, b }: Difference): string {
  if (field === "content") return a === undefined ? "content" : `content unknown (${oneLine(String(a))})`;
  const shown = (value: Difference["a"]) => {
    if (value === undefined) return "-";
    return field === "size" && typeof value === "number" ? formatBytes(value) : String(value);
  };
  const [one, other] = [shown(a), shown(b)];
  return `${field} ${one === other ? change(String(a), String(b)) : change(one, other)}`;
}

function few<T>(sign: string, items: readonly T[], isWhole: boolean, row: (item: T) => string[]): string[][] {
  const shown = isWhole ? items : items.slice(0, SHOWN);
  const rows = shown.map((item) => [sign, ...row(item).map(oneLine)]);
  const left = items.length - shown.length;
  return left === 0 ? rows : [...rows, [sign, `… and ${left.toLocaleString("en")} more: --all shows them`]];
}

function change(a: string, b: string): string {
  return `${oneLine(a)} → ${oneLine(b)}`;
}

function sums(added: number, removed: number, changed: number, same: number): string {
  if (added + removed + changed === 0) return `all ${same.toLocaleString("en")} are the same`;
  const counts = [`${added.toLocaleString("en")} added`, `${removed.toLocaleString("en")} removed`];
  return [...counts, `${changed.toLocaleString("en")} changed`, `${same.toLocaleString("en")} the same`].join(", ");
}

function counted([[count, noun, one, many]]: [[count: number, noun: string, one: string, many: string]]): string {
  if (count === 0) return "the same";
  return `${count} ${noun}${count === 1 ? "" : "s"} ${count === 1 ? one : many}`.trimEnd();
}

/** Names of files may have line breaks, and values may be long. */
function oneLine(text: string): string {
  const line = text.replaceAll(/[\t\n\v\f\r\u0085\u2028\u2029]/g, "?");
  return line.length > MAX_VALUE ? `${line.slice(0, MAX_VALUE)}…` : line;
}

/** With as many cells in each row. */
function evened(rows: readonly (readonly string[])[]): string[][] {
  const width = Math.max(...rows.map((row) => row.length));
  return rows.map((row) => [...row, ...Array.from({ length: width - row.length }, () => "")]);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
