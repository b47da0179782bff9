/** What the host's processor is and can do, for whatever holds on this processor only. */
import { readFile } from "node:fs/promises";

/** What may differ between two hosts; frequencies and numbers of cores may, without mattering. */
const TRAITS = ["vendor_id", "cpu family", "model", "model name", "stepping", "flags"];

/** The same text on processors a guest cannot tell apart. */
export async function describeCpu(): Promise<string> {
  const text = await readFile("/proc/cpuinfo", "utf8");
  const [first = ""] = text.split("\n\n");
  const fields = first.split("\n").map((line) => line.split(":").map((part) => part.trim()));
  return fields
    .filter(([name = ""]) => TRAITS.includes(name))
    .map((field) => field.join("="))
    .join("\n");
}
