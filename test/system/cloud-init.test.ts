import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Boxcar, finish } from "./boxcar.ts";

const IMAGE = "debian-cloud";
const MINUTE_MS = 60_000;
/** systemd and cloud-init take more than a minute where the CPU is emulated, and longer beside each other. */
const BOOT = { BOXCAR_LIMITS_BOOT_TIMEOUT: "8 minutes" };

const CONFIG = `#cloud-config
write_files:
  - path: /etc/made
    content: by write_files
runcmd:
  - echo by runcmd >> /run/made
`;

/** Its host name is filled in by the guest. */
const TEMPLATE = `## template: jinja
${CONFIG.replace("by write_files", "by write_files of {{ v1.local_hostname }}")}`;

const MESSAGE = `Content-Type: multipart/mixed; boundary="--of-the-user"
MIME-Version: 1.0

----of-the-user
Content-Type: text/cloud-config

${CONFIG}
----of-the-user
Content-Type: text/x-shellscript

#!/bin/sh
echo by a script >> /run/made

----of-the-user--
`;

const LOOK = [
  "set -e",
  "cat /etc/made; echo",
  "cat /run/made",
  "hostname",
  'python3 -c \'import json; r = json.load(open("/run/cloud-init/result.json"))["v1"]; print(r["datasource"], r["errors"])\'',
  "systemctl is-active boxcar-agent.service",
  "systemctl list-units --failed --no-legend",
  "readlink /var/lib/cloud/instance | tee instance.txt",
].join("\n");

let boxcar: Boxcar;
beforeAll(async () => {
  boxcar = await Boxcar.open();
  const { exitCode, stderr } = await boxcar.run(["image", "build", IMAGE, "--if-outdated"]);
  expect(exitCode, stderr).toBe(0);
}, 20 * MINUTE_MS);

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

interface Look {
  source: string;
  /** What cloud-init calls where it found all of it. */
  found: string;
  userData: string;
  lines: readonly string[];
  hardware?: object;
  /** Another task goes on from its end. */
  forks?: boolean;
}

const LOOKS: readonly [Look, Look][] = [
  [
    {
      source: "disk",
      found: "DataSourceNoCloud [seed=/dev/",
      userData: CONFIG,
      lines: ["by write_files", "by runcmd"],
    },
    {
      source: "nocloud",
      found: "DataSourceNoCloudNet [seed=dmi,http://169.254.169.254/cloud-init/]",
      userData: TEMPLATE,
      lines: ["by write_files of from-nocloud", "by runcmd"],
      hardware: { firmware: "uefi", tpm: true },
      forks: true,
    },
  ],
  [
    {
      source: "ec2",
      found: "DataSourceEc2Local",
      userData: MESSAGE,
      // Scripts are run in the order of their names, and "runcmd" is the last.
      lines: ["by write_files", "by a script", "by runcmd"],
    },
    {
      source: "openstack",
      found: "DataSourceOpenStackLocal",
      userData: CONFIG,
      lines: ["by write_files", "by runcmd"],
    },
  ],
];

describe("a stock cloud image", () => {
  it("has no agent in it", async () => {
    const { stdout } = await boxcar.run(["image", "inspect", IMAGE, "--json"]);
    const { provenance, machine } = JSON.parse(stdout);
    expect(machine).not.toHaveProperty("boot");
    expect(provenance).not.toHaveProperty("agent");
    expect(provenance.packages).toContainEqual(expect.objectContaining({ name: "cloud-init" }));
  });

  it.each(LOOKS)(
    "runs a task, told by $source; another beside it in the same way",
    async (...looks) => {
      const instances = await Promise.all(looks.map(run));
      expect(new Set(instances).size).toBe(looks.length);
    },
    20 * MINUTE_MS,
  );

  it(
    "is captured and resumed as others are where there is no user-data, each time as another machine",
    async () => {
      const task = {
        image: IMAGE,
        machine: { memory: 1_024, cloudInit: { source: "nocloud" } },
        command: ["sh", "-c", "hostname; cat /etc/machine-id; systemctl list-units --failed --no-legend"],
      };
      const first = await warmRun(task);
      const second = await warmRun(task);
      expect(second[0]).toMatch(/^boxcar-/);
      expect(second[1]).toMatch(/^[0-9a-f]{32}$/);
      expect([first.length, second.length]).toEqual([2, 2]);
      for (const [index, line] of second.entries()) expect(line).not.toBe(first[index]);
    },
    20 * MINUTE_MS,
  );
});

/** @returns the instance that cloud-init takes the machine for. */
async function run({ source, found, userData, lines, hardware, forks = false }: Look): Promise<string> {
  const hostname = `from-${source}`;
  const payload = {
    image: IMAGE,
    machine: { memory: 1_024, ...hardware, cloudInit: { source, hostname, userData } },
    command: ["sh", "-c", forks ? `${LOOK}\nboxcar-agent checkpoint looked > /dev/null` : LOOK],
    ...(forks ? { checkpoints: {} } : {}),
    cwd: "/root",
    artifacts: [{ name: "instance.txt", path: "/root/instance.txt" }],
  };
  const { child, output } = await boxcar.startTask(payload, [], BOOT);
  const { exitCode, stdout, stderr, result } = await finish(child);
  expect(exitCode, stderr).toBe(0);
  expect(result).toMatchObject({ state: "completed", start: "booted" });
  const printed = stdout.split("\n").slice(0, -1);
  const instance = (await readFile(join(output, "artifacts/instance.txt"), "utf8")).trim();
  expect(printed).toEqual([
    ...[...lines, hostname],
    expect.stringMatching(/^DataSource.* \[\]$/),
    ...["active", instance],
  ]);
  expect(printed.find((line) => line.startsWith("DataSource"))).toContain(found);
  if (forks) await fork(JSON.parse(await readFile(join(output, "result.json"), "utf8")).taskId, lines);
  return instance;
}

/** Its firmware, its TPM and all of its system go on; only the command is another one. */
async function fork(task: string, lines: readonly string[]): Promise<void> {
  const look = "cat /etc/made; echo; cat /run/made; ls /sys/firmware/efi/fw_platform_size /dev/tpm0";
  const { stdout, stderr, result } = await boxcar.runTask({
    ...{ machine: undefined, from: { task, checkpoint: "looked" } },
    command: ["sh", "-c", look],
  });
  expect(result, stderr).toMatchObject({ state: "completed", start: "forked" });
  expect(stdout.split("\n").slice(0, -1)).toEqual([...lines, "/dev/tpm0", "/sys/firmware/efi/fw_platform_size"]);
}

async function warmRun(task: object): Promise<string[]> {
  const { child } = await boxcar.startTask(task, [], BOOT);
  const { exitCode, stdout, stderr, result } = await finish(child);
  expect(exitCode, stderr).toBe(0);
  expect(result).toMatchObject({ state: "completed", start: "resumed" });
  return stdout.split("\n").slice(0, -1);
}
