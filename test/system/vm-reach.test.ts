/** The ways into one machine that its agent is not the end of, and what it is made of beside an image. */
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ImageStore } from "../../src/image/store/image-store.ts";
import { Boxcar, type Running, untilPrinted } from "./boxcar.ts";
import { openViewer } from "./rfb-over-tcp.ts";

const NAME = "reach";
const USER_DATA = "#cloud-config\nruncmd: [echo for-cloud-init]\n";
const BOOT_MS = 180_000;

let boxcar: Boxcar;
/** Programs of this host in their stead: what they are told to do, and whether that leads into the machine. */
let path: { PATH: string };

beforeAll(async () => {
  boxcar = await Boxcar.open();
  const programs = join(boxcar.directory, "programs");
  await mkdir(programs);
  await writeFile(join(programs, "ssh"), SSH, { mode: 0o755 });
  await writeFile(join(programs, "rsync"), RSYNC, { mode: 0o755 });
  path = { PATH: `${programs}:${process.env["PATH"]}` };

  const userData = join(boxcar.directory, "user-data");
  await writeFile(userData, USER_DATA);
  await using store = await ImageStore.open({ directory: boxcar.images });
  await using image = await store.acquire("debian-minimal");
  const { kernel, initrd, cmdline } = image.directBoot ?? expect.fail("the image has no kernel");
  await good(
    ...["run", "--name", NAME, "--memory", "256M", "--cpus", "1", "-p", "22", "-d", "bare:16M:none", "-d", "kept:64M"],
    ...["--kernel", kernel, ...(initrd === undefined ? [] : ["--initrd", initrd])],
    ...["--append", `${cmdline} boxcar.test=appended`, "--user-data", userData],
  );
}, BOOT_MS);

afterAll(async () => {
  await boxcar.run(["vm", "rm", "--force", NAME]);
  expect(await boxcar.machines()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
}, 60_000);

/** Prints how it was called, and what comes out of the connection that its ProxyCommand makes. */
const SSH = `#!/bin/sh
for word; do
  case $word in ProxyCommand=*) proxy=\${word#ProxyCommand=};; esac
done
echo "$@"
exec sh -c "$proxy" < /dev/null
`;

/** Has its far end say where it is, in a shell that it starts as rsync does; its arguments have blanks in them. */
const RSYNC = `#!/bin/sh
for word; do
  [ "$before" = -e ] && shell=$word
  before=$word
done
echo "$@"
eval "set -- $shell"
echo typed | exec "$@" ${NAME} sh -c 'hostname; cat; exit 7'
`;

async function good(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await boxcar.run(["vm", ...words]);
  expect([exitCode, stderr], words.join(" ")).toEqual([0, expect.not.stringMatching(/error|bug/)]);
  return stdout.trim();
}

const inGuest = (script: string) => good("exec", NAME, "--", "sh", "-c", script);

it("has the kernel, the disks and the user-data it was given", async () => {
  expect(await inGuest("cat /proc/cmdline")).toMatch(/ boxcar\.test=appended$/);
  expect(await inGuest("findmnt -no SIZE,FSTYPE /mnt/kept || df -T /mnt/kept")).toMatch(/ext4/);
  const small = "for disk in /sys/block/*; do [ $(cat $disk/size) -lt 40000 ] && basename $disk; done; true";
  const [bare, ...others] = (await inGuest(small)).split("\n").filter((name) => /^(?:vd|sr)/.test(name));
  expect(await inGuest(`cat /sys/block/${bare}/size; head -c 99 /dev/${bare} | tr -d '\\0'`)).toBe("32768");
  // Only the disk that cloud-init reads is as small; it has it in an envelope.
  const part = Buffer.from(USER_DATA).toString("base64").slice(0, 40);
  expect(await inGuest(`grep -ao '${part}' ${others.map((name) => `/dev/${name}`).join(" ")}`)).toContain(part);
});

it("leads ssh, and what connects to its port, to a port of the guest", async () => {
  const server = boxcar.start(["vm", "exec", NAME, "--", "perl", "-MSocket", "-e", SERVER]);
  await once(server.stdout, "data");
  const found = JSON.parse(await good("inspect", NAME, "-o", "json")) as {
    id: string;
    process: { forwards: { hostPort: number }[] };
  };
  const [{ hostPort }] = found.process.forwards as [{ hostPort: number }];
  expect(hostPort).toBeGreaterThan(0);
  expect(await text(connect(hostPort, "127.0.0.1"))).toBe("from the guest\n");

  const { exitCode, stdout } = await boxcar.run(["vm", "ssh", `dev@${NAME}`, "-i", "key", "uptime"], path);
  expect(exitCode).toBe(0);
  const [called, ...output] = stdout.split("\n");
  expect(output).toEqual(["from the guest"]);
  expect(called).toContain(`HostKeyAlias=boxcar-${found.id} `);
  expect(called).toContain(`UserKnownHostsFile=${join(boxcar.directory, "state/vms", found.id, "known_hosts")} `);
  expect(called).toMatch(new RegExp(` -i ${join(boxcar.directory, "key")} dev@${found.id} uptime$`));
  server.kill("SIGKILL");
  await server;
});

/** Greets whoever connects to port 22. */
const SERVER = `socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
bind(S, sockaddr_in(22, INADDR_ANY)) or die; listen(S, 5); $| = 1; print "up\\n";
while (accept(C, S)) { print C "from the guest\\n"; close C }`;

it("has rsync start its far end in the guest", async () => {
  const words = ["sync", "--delete", "--exclude", "*.o", "--chown", "dev:dev", "./", `${NAME}:/srv`];
  const { exitCode, stdout } = await boxcar.run(["vm", ...words], path);
  const [called, ...output] = stdout.split("\n");
  expect(called).toMatch(/--delete --exclude=\*\.o --chown=dev:dev \.\/ reach:\/srv$/);
  expect([exitCode, ...output]).toEqual([7, NAME, "typed"]);
});

it("shows its screen to a viewer of this host", async () => {
  const child = boxcar.start(["vm", "vnc", NAME]);
  const [printed] = (await once(child.stdout, "data")) as [Buffer];
  const { viewer, hangUp } = await openViewer(/vnc:\/\/\S+/.exec(String(printed))?.[0] ?? String(printed));
  expect(viewer.width).toBeGreaterThan(100);
  hangUp();
  child.kill("SIGINT");
  expect((await child).exitCode).toBe(0);
});

it("hears what is typed on its console, and is heard there", async () => {
  const listening: Running = boxcar.start(["vm", "exec", NAME, "--", "sh", "-c", "echo here; head -n 1 < /dev/ttyS0"]);
  await once(listening.stdout, "data");
  const attached = boxcar.start(["vm", "console", NAME]);
  attached.stdin.write("typed here\n");
  expect((await listening).stdout).toMatch(/typed here/);
  const printed = untilPrinted(attached, "stdout", "heard there");
  await inGuest("echo heard there > /dev/ttyS0");
  await printed;
  attached.kill("SIGINT");
  await attached;
});
