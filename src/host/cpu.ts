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

/**
 * How fast the host's time stamp counter runs, which an emulated CPU hands to its guest, kHz; undefined where nobody
 * says.
 */
export async function readClockRate(): Promise<number | undefined> {
  const base = await readFile("/sys/devices/system/cpu/cpu0/cpufreq/base_frequency", "utf8").catch(() => undefined);
  if (base !== undefined) return Number(base);
  // Where its speed does not vary, or nobody says so.
  const megahertz = /^cpu MHz\s*: ([\d.]+)$/m.exec(await readFile("/proc/cpuinfo", "utf8"))?.[1];
  return megahertz === undefined ? undefined : Math.round(Number(megahertz) * 1_000);
}
