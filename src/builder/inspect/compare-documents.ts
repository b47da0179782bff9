/** What differs between two documents, such as machine.json. Pure. */

export interface DocumentChange {
  /** `boot.cmdline`; of a list the whole list. */
  readonly field: string;
  /** JSON; undefined where the document does not have it. */
  readonly a: string | undefined;
  readonly b: string | undefined;
}

/** @param leaveOut Fields of the document itself that are compared elsewhere. */
export function compareDocuments(
  a: object | undefined,
  b: object | undefined,
  leaveOut: readonly string[] = [],
): DocumentChange[] {
  const [one, other] = [fieldsOf(a ?? {}), fieldsOf(b ?? {})];
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((field) => !leaveOut.includes(field.split(".")[0] ?? "") && one.get(field) !== other.get(field))
    .sort()
    .map((field) => ({ field, a: one.get(field), b: other.get(field) }));
}

function fieldsOf(document: object, prefix = ""): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries(document) as [string, unknown][]) {
    const isNested = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isNested) for (const [path, text] of fieldsOf(value, `${prefix}${name}.`)) fields.set(path, text);
    else if (value !== undefined) fields.set(`${prefix}${name}`, JSON.stringify(value));
  }
  return fields;
}
