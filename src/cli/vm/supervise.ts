/** The process that has a machine from its start to its end; nobody calls it by hand. */
import { closeSync, writeSync } from "node:fs";
import { stat } from "node:fs/promises";
import { setTimeout as after } from "node:timers/promises";
import { LOCAL } from "../../access/principal.ts";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import { REPORT_FD } from "../../host/daemon.ts";
import { controlSocket } from "../../hypervisor/control-client.ts";
import type { VmErrorCode } from "../../hypervisor/errors.ts";
import { VmIndex } from "../../hypervisor/index-store.ts";
import { vmFolders } from "../../hypervisor/qemu/qemu-hypervisor.ts";
import { formatReport, type SupervisorReport } from "../../hypervisor/supervisor/report.ts";
import { SupervisedVm } from "../../hypervisor/supervisor/supervised-vm.ts";
import { createApp } from "../../web/api/app.ts";
import { SocketServer } from "../../web/api/socket-server.ts";
import { HttpService } from "../../web/server/service.ts";
import { supervisorRoutes } from "../../web/supervisor/supervisor-routes.ts";
import { supervisorSockets } from "../../web/supervisor/supervisor-sockets.ts";
import { type CliContext, EXIT } from "../context.ts";
import { createLogger } from "../worker/logger.ts";
import { openQemuHost } from "./open-hypervisor.ts";

/** Of a guest, when this process is told to end. */
const POLITE_MS = 10_000;

/** A command to run is in the address of a request. */
const MAX_HEAD_BYTES = 1_024 ** 2;

/** Between two looks at the folder of the machine. */
const LOOK_MS = 1_000;

/** Resolves when there is no such folder any more, or the signal fires. Never rejects. */
async function untilGone(folder: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const isGone = await stat(folder).then(
      () => false,
      (error: unknown) => codeOf(error) === "ENOENT",
    );
    if (isGone) return;
    await after(LOOK_MS, undefined, { signal }).catch(() => {});
  }
}

export async function supervise(id: string, config: Config, context: CliContext): Promise<void> {
  const logger = createLogger(context.stdout, "text");
  const starter = new Starter();
  const note = (text: string) => {
    logger.log("info", text);
    starter.tell({ kind: "note", text });
  };
  await using scope = new Scope();
  try {
    const host = await openQemuHost(config, scope);
    const index = await VmIndex.open(vmFolders(config).records);
    const serve = async (vm: SupervisedVm) => {
      const onFailure = (error: unknown, { method, path }: { method: string; path: string }) =>
        logger.log("error", `${method} ${path}: ${messageOf(error)}`);
      const authenticate = async () => LOCAL;
      const app = createApp({ routes: supervisorRoutes(vm), authenticate, onFailure, maxUrlLength: MAX_HEAD_BYTES });
      const sockets = scope.use(new SocketServer({ routes: supervisorSockets(vm), authenticate }));
      const upgrade: SocketServer["upgrade"] = (...connection) => sockets.upgrade(...connection);
      scope.use(
        await HttpService.listen({ path: controlSocket(vm.record) }, app, upgrade, {
          limits: { maxHeaderSize: MAX_HEAD_BYTES },
        }),
      );
    };
    const vm = await SupervisedVm.start({ id, index, host, note, serve, signal: context.signal });
    logger.log("info", `runs, as process ${vm.machine.vm.pid}`);
    starter.tell({ kind: "ready" });
    starter.close();
    const onSignal = () =>
      void vm.stop({ politeMs: POLITE_MS, hurry: context.hurry, reason: "its supervisor was told to end" });
    context.signal.addEventListener("abort", onSignal, { once: true });
    if (context.signal.aborted) onSignal();
    const watching = new AbortController();
    void untilGone(index.folderOf(id), watching.signal).then(async () => {
      // Its disk is gone, so there is nothing that the guest could save.
      if (!watching.signal.aborted) await vm.stop({ politeMs: 0, reason: "its folder was removed" });
    });
    await vm.ended;
    watching.abort();
  } catch (error) {
    logger.log("error", messageOf(error));
    const code = (codeOf(error) ?? "vm-start-failed") as VmErrorCode;
    const blame = error instanceof WorkerError ? error.blame : "host";
    starter.tell({ kind: "failed", code, blame, message: messageOf(error) });
    starter.close();
    context.setExitCode(EXIT.exception);
  }
}

/** The command that has started this process, which may be gone. */
class Starter {
  #isOpen = true;

  tell(report: SupervisorReport): void {
    if (!this.#isOpen) return;
    try {
      writeSync(REPORT_FD, formatReport(report));
    } catch {
      this.#isOpen = false;
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      closeSync(REPORT_FD);
    } catch {
      // Nobody listens.
    }
  }
}
