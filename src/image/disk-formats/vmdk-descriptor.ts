/** The text inside of a VMDK, which must name no other file. Pure. */
import { type DiskRole, refusal, shown } from "../disk-role.ts";

const ALLOWED_TYPES = ["monolithicsparse", "streamoptimized"];
const NO_PARENT = "ffffffff";
const EXTENT = /^(?:RW|RDONLY|NOACCESS)\s+(\d+)\s+(\S+)/i;
/** Any of these words makes some reader open another file. */
const OTHER_FILES = ["parentfilenamehint", "changetrackpath", "digestfilename", "iofilters"];

/** @throws {@link ImageError} `disk-backing-file`, `disk-data-file`, `disk-corrupt`. */
export function judgeVmdkDescriptor(bytes: Buffer, virtualBytes: number, role: DiskRole): void {
  // All of it, for readers differ in where they think that the text ends.
  const all = bytes.toString("latin1").toLowerCase();
  const word = OTHER_FILES.find((name) => all.includes(name));
  if (word !== undefined) {
    throw refusal(role, word === OTHER_FILES[0] ? "backing-file" : "data-file", `names another file, by ${word}`);
  }
  const end = bytes.indexOf(0);
  const lines = bytes
    .toString("latin1", 0, end === -1 ? bytes.length : end)
    .split(/\r?\n/)
    .map((line) => line.trim());
  const values = (key: string): string[] =>
    lines.flatMap((line) => {
      const [name, value] = splitOnce(line);
      return name === key ? [value] : [];
    });
  const [parent = NO_PARENT, otherParent] = values("parentcid");
  if (parent !== NO_PARENT || otherParent !== undefined) {
    throw refusal(role, "backing-file", `is the difference to a parent, ${shown(parent)}; convert both into one`);
  }
  const [type, otherType] = values("createtype");
  if (type === undefined || otherType !== undefined || !ALLOWED_TYPES.includes(type)) {
    throw refusal(
      role,
      "data-file",
      `is a VMDK of type ${shown(type ?? "")}; one file that is ${ALLOWED_TYPES.join(" or ")} is taken`,
    );
  }
  const extents = lines.flatMap((line) => EXTENT.exec(line)?.slice(1) ?? []);
  if (extents.length !== 2 || extents[1]?.toUpperCase() !== "SPARSE") {
    throw refusal(role, "data-file", "is in several files, or in one of another kind");
  }
  if (Number(extents[0]) * 512 !== virtualBytes) {
    throw refusal(role, "corrupt", "is corrupt: header and descriptor tell different sizes");
  }
}

/** Name and value, both in lower case and without quotes. */
function splitOnce(line: string): [string, string] {
  const equals = line.indexOf("=");
  if (equals === -1) return [line.toLowerCase(), ""];
  const value = line
    .slice(equals + 1)
    .trim()
    .replace(/^"(.*)"$/, "$1");
  return [line.slice(0, equals).trim().toLowerCase(), value.toLowerCase()];
}
