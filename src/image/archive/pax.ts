/**
 * The records of a pax extended header: `"%d %s=%s\n"`, the length counting itself.
 *
 * @see POSIX.1-2017, pax, "pax Extended Header"
 */
import { corrupt } from "./tar-header.ts";

export function parsePax(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  let offset = 0;
  while (offset < bytes.length) {
    const space = bytes.indexOf(0x20, offset);
    const length = Number(bytes.toString("latin1", offset, Math.max(space, offset)));
    const end = offset + length;
    if (space === -1 || !Number.isInteger(length) || end > bytes.length || end <= space || bytes[end - 1] !== 0x0a) {
      throw corrupt("an extended header that cannot be read");
    }
    const record = bytes.toString("utf8", space + 1, end - 1);
    const equals = record.indexOf("=");
    if (equals < 1) throw corrupt("an extended header without a keyword");
    const key = record.slice(0, equals);
    // The last one counts, says POSIX; not every program heeds that.
    if (records.has(key)) throw corrupt("an extended header that says the same thing twice");
    records.set(key, record.slice(equals + 1));
    offset = end;
  }
  return records;
}

export function buildPax(records: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    const bytes = Buffer.byteLength(rest);
    let length = bytes + 1;
    while (bytes + String(length).length !== length) length = bytes + String(length).length;
    return `${length}${rest}`;
  });
  return Buffer.from(lines.join(""));
}

/** A decimal number of a record; undefined where the record is missing. */
export function paxNumber(records: ReadonlyMap<string, string>, key: string): number | undefined {
  const value = records.get(key);
  if (value === undefined) return undefined;
  if (!/^\d{1,16}$/.test(value) || !Number.isSafeInteger(Number(value))) throw corrupt(`${key} is not a number`);
  return Number(value);
}
