import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { GuestFolder } from "../../../src/guest/folder-actions.ts";
import { runCommand } from "../../../src/host/command.ts";
import { buildAgent, type Guest, startGuest, temporaryFolder, VARIANTS } from "./guest-harness.ts";

async function sha256Of(stream: Readable): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(stream, hash);
  return hash.digest("hex");
}

function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

async function contentsOf(folder: GuestFolder): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const file of folder.files) found[file.path] = await sha256Of(file.stream);
  return found;
}

/** 500 files in nested folders, some with long or odd names, some empty; returns their hashes. */
async function fill(folder: string): Promise<Record<string, string>> {
  const expected: Record<string, string> = {};
  for (let i = 0; i < 500; i++) {
    const names = [
      `d${i % 7}/file-${i}`,
      `deep/${"x".repeat(i % 200)}y/${"ü".repeat(i % 100)}-${i}`,
      `with space & 'quote"/${i}.txt`,
      `${"long/".repeat(40)}${"n".repeat(200)}-${i}`,
    ];
    const name = names[i % names.length] ?? "";
    const data = randomBytes(i % 5 === 0 ? 0 : (i * 37) % 3_000);
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), data);
    expected[name] = sha256(data);
  }
  return expected;
}

describe.each(VARIANTS)("files and the %s agent", (variant) => {
  let program: string;
  const idle = (): Promise<Guest> => startGuest(program, undefined);
  beforeAll(async () => {
    program = await buildAgent(variant);
  });

  it("sends a folder of 500 files with the right contents, and leaves links and devices out", async () => {
    await using folder = await temporaryFolder();
    const expected = await fill(folder.path);
    await symlink("/etc/passwd", join(folder.path, "link"));
    await symlink("/etc", join(folder.path, "link-to-folder"));
    await runCommand(["mkfifo", join(folder.path, "fifo")]);
    await mkdir(join(folder.path, "empty-folder"));
    await using guest = await idle();
    const sent = await guest.session.getFolder(folder.path);
    await expect(contentsOf(sent)).resolves.toEqual(expected);
    expect(sent.skipped()).toBe(3);
    const listed = await guest.session.listFolder(`${folder.path}/`);
    expect(listed.toSorted()).toEqual(Object.keys(expected).toSorted());
  });

  it("sends a file of 100 MB with the right contents", async () => {
    await using folder = await temporaryFolder();
    const block = randomBytes(1_000_000);
    const path = join(folder.path, "big");
    const blocks = Array.from({ length: 100 }, (_, i) => Buffer.concat([Buffer.from([i]), block.subarray(1)]));
    await pipeline(Readable.from(blocks), createWriteStream(path));
    const expected = await sha256Of(createReadStream(path));
    await using guest = await idle();
    const file = await guest.session.getFile(path);
    expect(file.sizeBytes).toBe(100_000_000);
    await expect(sha256Of(file.stream)).resolves.toBe(expected);
  });

  it("sends empty files, and files that do not know their size", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "empty"), "");
    await using guest = await idle();
    const empty = await guest.session.getFile(join(folder.path, "empty"));
    await expect(sha256Of(empty.stream)).resolves.toBe(sha256(""));
    const version = await guest.session.getFile("/proc/version");
    await expect(sha256Of(version.stream)).resolves.toBe(sha256(await readFile("/proc/version")));
  });

  it("starts relative paths in the working directory of the task", async () => {
    await using folder = await temporaryFolder();
    await using guest = await startGuest(program, {
      command: ["sh", "-c", "mkdir out; echo hi > out/file"],
      cwd: folder.path,
    });
    await guest.session.resolved;
    const file = await guest.session.getFile("out/file");
    await expect(sha256Of(file.stream)).resolves.toBe(sha256("hi\n"));
    await expect(contentsOf(await guest.session.getFolder("out"))).resolves.toEqual({ file: sha256("hi\n") });
    await expect(guest.session.listFolder("out")).resolves.toEqual(["file"]);
  });

  it("tells what is missing from what is no file and what is no folder", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "file"), "x");
    await runCommand(["mkfifo", join(folder.path, "fifo")]);
    await using guest = await idle();
    const { session } = guest;
    const missing = join(folder.path, "missing");
    await expect(session.getFile(missing)).rejects.toMatchObject({ code: "file-not-found", blame: "task" });
    await expect(session.getFile(join(folder.path, "file/x"))).rejects.toMatchObject({ code: "file-not-found" });
    await expect(session.getFolder(missing)).rejects.toMatchObject({ code: "file-not-found" });
    await expect(session.listFolder(missing)).rejects.toMatchObject({ code: "file-not-found" });
    await expect(session.getFile(folder.path)).rejects.toMatchObject({ code: "not-a-file" });
    await expect(session.getFile(join(folder.path, "fifo"))).rejects.toMatchObject({ code: "not-a-file" });
    await expect(session.getFolder(join(folder.path, "file"))).rejects.toMatchObject({ code: "not-a-folder" });
    await expect(session.listFolder(join(folder.path, "file"))).rejects.toMatchObject({ code: "not-a-folder" });
  });

  it("serves several actions at once", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "file"), "content");
    await using guest = await idle();
    const held = await guest.session.getFile("/proc/version");
    const many = Array.from({ length: 20 }, async () => {
      const file = await guest.session.getFile(join(folder.path, "file"));
      return sha256Of(file.stream);
    });
    expect(new Set(await Promise.all(many))).toEqual(new Set([sha256("content")]));
    held.stream.destroy();
  });

  it("breaks off a file that is larger than allowed", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "file"), Buffer.alloc(2_000));
    await using guest = await idle();
    const large = { code: "file-too-large", blame: "task" };
    await expect(guest.session.getFile(join(folder.path, "file"), { maxBytes: 1_999 })).rejects.toMatchObject(large);
    const unsized = await guest.session.getFile("/proc/version", { maxBytes: 10 });
    await expect(sha256Of(unsized.stream)).rejects.toMatchObject(large);
    const folderLimits = { limits: { maxTotalBytes: 1_999 } };
    const sent = await guest.session.getFolder(folder.path, folderLimits);
    await expect(contentsOf(sent)).rejects.toMatchObject({ code: "folder-refused" });
  });

  it("stops sending when nobody reads any more", async () => {
    await using guest = await idle();
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "file"), Buffer.alloc(20_000_000));
    const file = await guest.session.getFile(join(folder.path, "file"));
    file.stream.destroy();
    const sent = await guest.session.getFolder(folder.path);
    for await (const _ of sent.files) break;
    await expect(guest.session.exec({ command: ["true"] })).resolves.toMatchObject({ exitCode: 0 });
  });

  it("fails a transfer with the reason of the signal", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "file"), Buffer.alloc(20_000_000));
    await using guest = await idle();
    const abort = new AbortController();
    const file = await guest.session.getFile(join(folder.path, "file"), { signal: abort.signal });
    const reading = sha256Of(file.stream);
    abort.abort(new Error("canceled"));
    await expect(reading).rejects.toThrow("canceled");
  });

  it("writes files with folders, mode and contents, in place of older ones", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "new/folders/file");
    const content = randomBytes(5_000_000);
    await using guest = await idle();
    await guest.session.putFile(path, Buffer.from("old"));
    await guest.session.putFile(path, Readable.from([content.subarray(0, 99), content.subarray(99)]), { mode: 0o751 });
    expect(sha256(await readFile(path))).toBe(sha256(content));
    expect((await stat(path)).mode & 0o7777).toBe(0o751);
    await expect(readdir(dirname(path))).resolves.toEqual(["file"]);
    await guest.session.putFile(join(folder.path, "empty"), Buffer.alloc(0));
    expect((await stat(join(folder.path, "empty"))).size).toBe(0);
  });

  it.runIf(process.getuid?.() === 0)(
    "gives a file it writes, and the folders made for it, to the user named",
    async () => {
      await using folder = await temporaryFolder();
      await using guest = await idle();
      await guest.session.putFile(join(folder.path, "d/file"), Buffer.from("x"), { user: "daemon" });
      expect((await stat(join(folder.path, "d/file"))).uid).toBe(1);
      expect((await stat(join(folder.path, "d"))).uid).toBe(1);
    },
  );

  it("leaves nothing behind where a file cannot be written", async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, "taken"));
    await using guest = await idle();
    const put = guest.session.putFile(join(folder.path, "taken"), Buffer.from("x"));
    await expect(put).rejects.toMatchObject({ name: "GuestError" });
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000);
        throw new Error("the source broke");
      })(),
    );
    const cut = guest.session.putFile(join(folder.path, "cut"), broken, { timeoutMs: 2_000 });
    await expect(cut).rejects.toMatchObject({ code: "guest-not-answering" });
    await expect(readdir(folder.path)).resolves.toEqual(["taken"]);
  });
});
