import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCommand } from "../../../src/host/command.ts";
import { buildAgent, temporaryFolder } from "./guest-harness.ts";

/** Runs the agent for a second among interfaces and files of its own, then shows what it made of them. */
const SCRIPT = `set -e
mount -t tmpfs none /sys
mount --bind "$2" /etc/resolv.conf
ip tuntap add eth0 mode tap
[ -z "$3" ] || ip address add "$3" dev eth0
timeout -s TERM 1 "$1" --config /nonexistent || true
ip -4 -o address show
ip route show default
`;

// Network namespaces of its own need an administrator.
describe.runIf(process.getuid?.() === 0)("the agent in a machine", () => {
  async function boot(options: { resolvConf?: string; address?: string } = {}) {
    await using folder = await temporaryFolder();
    const resolvConf = join(folder.path, "resolv.conf");
    const script = join(folder.path, "boot.sh");
    await writeFile(resolvConf, options.resolvConf ?? "");
    await writeFile(script, SCRIPT);
    await chmod(script, 0o755);
    const program = await buildAgent("release");
    const arguments_ = [script, program, resolvConf, options.address ?? ""];
    const { stdout } = await runCommand(["unshare", "-nm", "sh", ...arguments_], { timeoutMs: 30_000 });
    return { interfaces: stdout, resolvConf: await readFile(resolvConf, "utf8") };
  }

  it("gives it the address every machine has, if the image did not", async () => {
    const { interfaces, resolvConf } = await boot();
    expect(interfaces).toMatch(/lo\s+inet 127\.0\.0\.1\/8/);
    expect(interfaces).toMatch(/eth0\s+inet 10\.0\.2\.15\/24 brd 10\.0\.2\.255/);
    expect(interfaces).toContain("default via 10.0.2.2 dev eth0");
    expect(resolvConf).toBe("nameserver 10.0.2.2\n");
  });

  it("leaves a name server that is configured as it is", async () => {
    const { resolvConf } = await boot({ resolvConf: "nameserver 192.0.2.1\n" });
    expect(resolvConf).toBe("nameserver 192.0.2.1\n");
  });

  it("leaves an address that is configured as it is", async () => {
    const { interfaces, resolvConf } = await boot({ address: "192.0.2.7/24" });
    expect(interfaces).toContain("192.0.2.7/24");
    expect(interfaces).not.toContain("10.0.2.15");
    expect(resolvConf).toBe("");
  });
});
