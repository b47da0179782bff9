/**
 * What a supervisor answers on its socket, as routes; only the user whose machine it is gets there.
 *
 * What a command does with a machine that runs it asks here, so that one process changes the machine and its record.
 */
import { pipeline } from "node:stream/promises";
import { apparentState } from "../../hypervisor/states.ts";
import type { SupervisedVm } from "../../hypervisor/supervisor/supervised-vm.ts";
import { readSaved } from "../../snapshot/read-entry.ts";
import { ApiError } from "../api/api-error.ts";
import { integer, text, texts } from "../api/parameters.ts";
import type { Answer, Route } from "../api/route.ts";
import { defineRoute } from "../api/route.ts";

const DONE: Readonly<Record<number, Answer>> = { 200: { description: "It is so." } };
const COMMON = { tag: "machines", permission: "operate" } as const;
const MAX_SECONDS = 86_400;

export function supervisorRoutes(vm: SupervisedVm): Route[] {
  return [...stateRoutes(vm), ...savingRoutes(vm), ...guestRoutes(vm), ...fileRoutes(vm), ...lookRoutes(vm)];
}

function facts(vm: SupervisedVm) {
  const { record, machine } = vm;
  return {
    record: { ...record, state: apparentState(record, true) },
    agent: machine.guest.agentVersion ?? null,
    shells: machine.guest.shellCount,
  };
}

function stateRoutes(vm: SupervisedVm): Route[] {
  const politeness = {
    seconds: integer("How long the guest may take; 0: it is not asked.", { minimum: 0, maximum: MAX_SECONDS }),
  };
  return [
    defineRoute()({
      ...{ ...COMMON, method: "GET", path: "/v1/vm", operation: "inspectVm", summary: "What it is", answers: DONE },
      handle: () => facts(vm),
    }),
    defineRoute()({
      ...{ ...COMMON, method: "POST", path: "/v1/pause", operation: "pauseVm", summary: "Hold it", answers: DONE },
      handle: async () => {
        await vm.pause();
        return facts(vm);
      },
    }),
    defineRoute()({
      ...{
        ...COMMON,
        method: "POST",
        path: "/v1/resume",
        operation: "resumeVm",
        summary: "Let it go on",
        answers: DONE,
      },
      handle: async () => {
        await vm.resume();
        return facts(vm);
      },
    }),
    defineRoute()({
      ...{ ...COMMON, method: "POST", path: "/v1/stop", operation: "stopVm", summary: "End it", answers: DONE },
      query: politeness,
      handle: async ({ query: { seconds } }) => {
        await vm.stop(seconds === undefined ? {} : { politeMs: seconds * 1_000 });
        return { record: vm.record };
      },
    }),
    defineRoute()({
      ...{ ...COMMON, method: "POST", path: "/v1/restart", operation: "restartVm", summary: "End it, and start it" },
      ...{ answers: DONE, query: politeness },
      handle: async ({ query: { seconds } }) => {
        await vm.restart(seconds === undefined ? {} : { politeMs: seconds * 1_000 });
        return facts(vm);
      },
    }),
    defineRoute()({
      ...{ ...COMMON, method: "POST", path: "/v1/wait", operation: "waitForGuest", answers: DONE },
      summary: "Answers when its guest is in contact",
      query: { seconds: integer("At most.", { minimum: 1, maximum: MAX_SECONDS }) },
      handle: async ({ query: { seconds }, signal }) => {
        await vm.waitForGuest(signal, seconds === undefined ? undefined : seconds * 1_000);
        return facts(vm);
      },
    }),
  ];
}

function savingRoutes(vm: SupervisedVm): Route[] {
  return [
    defineRoute()({
      ...{ ...COMMON, method: "POST", path: "/v1/save", operation: "saveVm", answers: DONE },
      summary: "Saves it as it is now; it goes on",
      query: {
        name: text("Of the snapshot.", { maxLength: 63 }),
        description: text("What it is good for.", { maxLength: 4_000 }),
        expires: text("From when on it may be removed.", { maxLength: 64 }),
      },
      handle: async ({ query: { name, description, expires }, signal }) => {
        const facts = { name, description, expires: expires === undefined ? undefined : new Date(expires) };
        const { id, diskBytes, stillMs } = await vm.save(facts, signal);
        return { id, diskBytes, stillMs };
      },
    }),
    defineRoute()({
      ...{ ...COMMON, method: "POST", path: "/v1/restore", operation: "restoreVm", answers: DONE },
      summary: "Has it go back to what was saved",
      query: { directory: text("Absolute path of what was saved.", { maxLength: 4_096 }) },
      handle: async ({ query: { directory }, signal }) => {
        if (directory === undefined) throw new ApiError(400, "bad-request", "directory must be given");
        await vm.restore(await readSaved(directory), signal);
        return facts(vm);
      },
    }),
  ];
}

function guestRoutes(vm: SupervisedVm): Route[] {
  return [
    defineRoute()({
      ...{ ...COMMON, method: "POST", path: "/v1/exec", operation: "execInVm", summary: "Runs a command to its end" },
      answers: { 200: { description: "stdout and stderr as they come, then the exit code as a trailer." } },
      query: {
        command: texts("Program and arguments, one each time.", { maxItems: 10_000, maxLength: 131_072 }),
        env: texts("NAME=VALUE, one each time."),
        user: text("Who runs it."),
        cwd: text("Where.", { maxLength: 4_096 }),
      },
      handle: async ({ query: { command, env, user, cwd }, response, signal }) => {
        if (command.length === 0) throw new ApiError(400, "bad-request", "command must be given");
        // Until there is output a failure is an answer of its own.
        const begin = () => {
          if (response.headersSent) return;
          response.status(200).set({ "Content-Type": "application/octet-stream", Trailer: "X-Boxcar-Exit-Code" });
          response.flushHeaders();
        };
        const result = await vm.guest.exec(
          {
            command,
            env: Object.fromEntries(env.map(splitVariable)),
            ...(user === undefined ? {} : { user }),
            ...(cwd === undefined ? {} : { cwd }),
          },
          {
            signal,
            maxOutputBytes: 0,
            onOutput: (chunk) => {
              begin();
              response.write(chunk);
            },
          },
        );
        begin();
        response.addTrailers({ "X-Boxcar-Exit-Code": String(result.exitCode) });
        response.end();
        return undefined;
      },
    }),
  ];
}

function splitVariable(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at <= 0) throw new ApiError(400, "bad-request", "env must be NAME=VALUE");
  return [text.slice(0, at), text.slice(at + 1)];
}

function fileRoutes(vm: SupervisedVm): Route[] {
  const path = text("Absolute path in the guest.", { maxLength: 4_096 });
  return [
    defineRoute()({
      ...{ ...COMMON, method: "GET", path: "/v1/file", operation: "getFileOfVm", summary: "A file of the guest" },
      answers: { 200: { description: "Its content.", contentType: "application/octet-stream" } },
      query: { path },
      handle: async ({ query, response, signal }) => {
        const { stream, sizeBytes } = await vm.guest.getFile(required(query.path), { signal });
        response.status(200).set("Content-Type", "application/octet-stream");
        if (sizeBytes !== undefined) response.set("Content-Length", String(sizeBytes));
        await pipeline(stream, response).catch(() => response.destroy());
        return undefined;
      },
    }),
    defineRoute()({
      ...{ ...COMMON, method: "GET", path: "/v1/folder", operation: "listFolderOfVm" },
      summary: "The regular files below a folder of the guest",
      answers: { 200: { description: "Paths relative to it." } },
      query: { path },
      handle: async ({ query, signal }) => ({
        files: await vm.guest.listFolder(required(query.path), { signal }),
      }),
    }),
    defineRoute()({
      ...{
        ...COMMON,
        method: "PUT",
        path: "/v1/file",
        operation: "putFileIntoVm",
        summary: "Writes a file of the guest",
      },
      ...{ stream: "application/octet-stream", answers: { 204: { description: "It is there." } } },
      query: {
        path,
        mode: integer("Permission bits.", { minimum: 0, maximum: 0o7777 }),
        user: text("Whose it is to be."),
      },
      handle: async ({ query: { path: file, mode, user }, request, signal }) => {
        await vm.guest.putFile(required(file), request, {
          signal,
          ...(mode === undefined ? {} : { mode }),
          ...(user === undefined ? {} : { user }),
        });
      },
    }),
  ];
}

function required(path: string | undefined): string {
  if (path === undefined || path === "") throw new ApiError(400, "bad-request", "path must be given");
  return path;
}

function lookRoutes(vm: SupervisedVm): Route[] {
  return [
    defineRoute()({
      ...{ ...COMMON, method: "GET", path: "/v1/screen", operation: "screenOfVm", summary: "What its screen shows" },
      answers: { 200: { description: "A PNG.", contentType: "image/png" } },
      handle: async ({ response }) => {
        const picture = await vm.screenshot();
        response.status(200).set("Content-Type", "image/png").send(picture);
        return undefined;
      },
    }),
    defineRoute()({
      ...{ ...COMMON, method: "POST", path: "/v1/monitor", operation: "commandMonitor", answers: DONE },
      summary: "A command of QEMU's monitor, and its answer",
      query: {
        command: text("Its name.", { pattern: /^[a-z][a-zA-Z0-9_-]{0,79}$/, rule: "the name of a command" }),
        arguments: text("Its arguments, a JSON object.", { maxLength: 65_536 }),
        line: text("Of the human monitor.", { maxLength: 4_096 }),
      },
      handle: async ({ query: { command, arguments: json, line } }) => {
        if (line !== undefined) {
          const answer = await vm.monitor("human-monitor-command", { "command-line": line });
          return { return: answer };
        }
        if (command === undefined) throw new ApiError(400, "bad-request", "command or line must be given");
        return { return: await vm.monitor(command, parseArguments(json)) };
      },
    }),
  ];
}

function parseArguments(json: string | undefined): object {
  if (json === undefined) return {};
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new ApiError(400, "bad-request", "arguments must be a JSON object");
}
