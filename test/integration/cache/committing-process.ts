/** Writes a number at two places of a cache, keeps it, and says so; then the next one, until it is killed. */
import { execa } from "execa";
import { CacheStore } from "../../../src/cache/cache-store.ts";

const MIB = 1_048_576;

const [directory, name] = process.argv.slice(2) as [string, string];
const store = await CacheStore.open({ directory });
for (let number = 1; number < 250; number++) {
  await using lease = await store.acquire(name, { mode: "exclusive", sizeBytes: 32 * MIB });
  const commands = [0, 65_536].flatMap((at) => ["-c", `write -q -P ${number} ${16 * MIB + at} 65536`]);
  await execa("qemu-io", ["-f", "qcow2", "-t", "unsafe", ...commands, lease.disk.diskFile]);
  await lease.commit();
  process.stdout.write(`${number}\n`);
}
