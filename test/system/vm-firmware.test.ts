/** Machines with UEFI and a TPM, which remember: saved, copied, and taken back to what they were. */
import { execFileSync } from "node:child_process";
import { readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { currentSurroundings } from "../../src/config/host-facts.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import { Boxcar } from "./boxcar.ts";

const IMAGE = "debian-minimal";
const BOOT_MS = 240_000;
const VARIABLE = "/sys/firmware/efi/efivars/BoxcarTest-6a4b1b1c-7d5e-4f3a-9d0e-2f1c8b7a6d5e";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open();
  const unpacked = await unpackKernel();
  const [release = ""] = await readdir(join(unpacked, "lib/modules"));
  const hardware = join(boxcar.directory, "hardware.json");
  await writeFile(hardware, JSON.stringify({ version: 2, firmware: "uefi", tpm: true }));
  await using store = await ImageStore.open({ directory: boxcar.images });
  await using image = await store.acquire(IMAGE);
  const { initrd, cmdline } = image.directBoot ?? expect.fail("the image has no kernel");
  await good(
    ...["run", "--name", "dev", "--memory", "256M", "--cpus", "1", "--machine", hardware],
    ...["--kernel", join(unpacked, "boot", `vmlinuz-${release}`), "--initrd", initrd ?? "", "--append", cmdline],
  );
  const driver = join(unpacked, "lib/modules", release, "kernel/fs/efivarfs/efivarfs.ko");
  await good("cp", driver, "dev:/root/efivarfs.ko");
}, BOOT_MS);

afterAll(async () => {
  for (const name of ["dev", "copy"]) await boxcar.run(["vm", "rm", "--force", name]);
  expect(await boxcar.machines()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
}, 60_000);

/** UEFI starts a bzImage, and the image has its kernel in another form: this is the package it was made of. */
async function unpackKernel(): Promise<string> {
  const { stdout } = await boxcar.run(["image", "inspect", IMAGE, "--json"]);
  const packages: { name: string; version: string }[] = JSON.parse(stdout).provenance.packages;
  const { name, version } =
    packages.find(({ name }) => name.startsWith("linux-image-")) ?? expect.fail("the image has no kernel");
  const { config } = await loadConfig(currentSurroundings(process.env));
  const archives = join(config.stateDir, "cache/packages/bookworm/archives");
  const file = `${name}_${version}_amd64.deb`;
  if (!(await readdir(archives)).includes(file)) expect.fail(`${file} is gone: run npm run setup`);
  const unpacked = join(boxcar.directory, "kernel");
  execFileSync("dpkg-deb", ["-x", join(archives, file), unpacked]);
  return unpacked;
}

async function good(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await boxcar.run(["vm", ...words]);
  expect([exitCode, stderr], `${words.join(" ")}\n${stdout}`).toEqual([0, expect.not.stringMatching(/error|bug/)]);
  return stdout.trim();
}

async function run(name: string, ...lines: string[]): Promise<string[]> {
  return (await good("exec", name, "--", "sh", "-ec", lines.join("\n"))).split("\n");
}

/** The image has neither `insmod`, `mount` nor `chattr`. @see finit_module(2), mount(2), ioctl_iflags(2) */
const LOAD = `perl -e 'open(F, "<", shift); my $no = ""; syscall(313, fileno(F), $no, 0) == 0 or die "$!"'`;
const MOUNT_ON = `perl -e 'my ($on, $type) = (shift, "efivarfs"); syscall(165, $type, $on, $type, 0, 0) == 0 or die "$!"'`;
const UNPROTECT = `perl -e 'open(F, "<", shift) or exit; my $none = pack("Q", 0); ioctl(F, 0x40086602, $none) or die "$!"'`;

const MOUNT = `grep -q efivarfs /proc/filesystems || ${LOAD} /root/efivarfs.ko
mountpoint -q /sys/firmware/efi/efivars || ${MOUNT_ON} /sys/firmware/efi/efivars`;

/** Non-volatile, for the firmware and for who runs; the kernel protects what it does not know. */
function writeVariable(text: string): string {
  return `${MOUNT}
${UNPROTECT} ${VARIABLE}
printf '\\007\\000\\000\\000${text}' > ${VARIABLE}`;
}

/** Owner, with an empty password. @see TPM 2.0 Library, Part 3: Commands */
const [OWNER, INDEX, PASSWORD] = ["40000001", "01500010", `00000009${"40000009"}0000000000`];

function command(code: string, ...rest: string[]): string {
  const body = code + rest.join("");
  const size = (6 + body.length / 2).toString(16).padStart(8, "0");
  const bytes = Buffer.from(`8002${size}${body}`, "hex");
  const octal = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  // The answer begins with two bytes, its length and what has become of it.
  return `exec 3<> /dev/tpm0; printf '${octal}' >&3; head -c 4096 <&3 | od -An -v -tx1 | tr -d ' \\n'; echo; exec 3>&-`;
}

/** Sixteen bytes that it keeps without power. */
const DEFINE = command("0000012a", OWNER, PASSWORD, "0000", "000e", INDEX, "000b", "02060006", "0000", "0010");
const READ = command("0000014e", OWNER, INDEX, PASSWORD, "0010", "0000");

function write(byte: string): string {
  return command("00000137", OWNER, INDEX, PASSWORD, "0010", byte.repeat(16), "0000");
}

/** Changes a register that is zero again at the next boot. */
const EXTEND = command("00000182", "00000010", PASSWORD, "00000001", "000b", "5a".repeat(32));

interface Memory {
  variable: string | undefined;
  /** What was written. */
  byte: string | undefined;
  register: string | undefined;
}

async function look(name: string): Promise<Memory> {
  const [variable, kept, register] = await run(
    name,
    MOUNT,
    `cat ${VARIABLE} | tail -c +5; echo`,
    READ,
    "cat /sys/class/tpm/tpm0/pcr-sha256/16",
  );
  return { variable, byte: /(..)\1{15}/.exec(kept?.slice(20) ?? "")?.[1], register };
}

it(
  "are copied and restored with what they remember, and remember it when they boot again",
  async () => {
    const answers = await run("dev", DEFINE, write("a1"), EXTEND);
    expect(answers.map((answer) => answer.slice(12, 20))).toEqual(["00000000", "00000000", "00000000"]);
    await run("dev", writeVariable("before"));
    const before = await look("dev");
    expect(before).toMatchObject({ variable: "before", byte: "a1", register: expect.not.stringMatching(/^0+$/) });
    await good("snapshot", "save", "dev", "ready");

    await run("dev", writeVariable("after"), write("b2"), EXTEND);
    const after = await look("dev");
    expect(after).toMatchObject({ variable: "after", byte: "b2" });
    expect(after.register).not.toBe(before.register);

    await good("clone", "ready", "copy");
    expect(await look("copy")).toEqual(before);
    expect(await look("dev")).toEqual(after);
    await run("copy", writeVariable("copied"), write("c3"));
    await good("restore", "dev", "ready");
    expect(await look("dev")).toEqual(before);

    await Promise.all([good("restart", "copy"), good("restart", "dev")]);
    const booted = { register: expect.stringMatching(/^0+$/) };
    expect(await look("copy")).toEqual({ variable: "copied", byte: "c3", ...booted });
    expect(await look("dev")).toEqual({ variable: "before", byte: "a1", ...booted });
  },
  BOOT_MS,
);

it("say which of their files of the host is gone", async () => {
  await good("stop", "--force", "copy");
  const kernel = join(boxcar.directory, "kernel/boot");
  await rename(kernel, `${kernel}.away`);
  const { exitCode, stderr } = await boxcar.run(["vm", "start", "copy"]);
  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringMatching(/the kernel of copy, .*vmlinuz-.* cannot be read any more/),
  ]);
});
