/** What other programs may use of Boxcar. */
export { type Blame, Cancellation, InvalidInputError, type Issue, WorkerError } from "./base/errors.ts";
export { type Config, resolveConfig } from "./config/config.ts";
export { type ParsedPayload, parsePayload } from "./feature/payload.ts";
export { probeAccelerator } from "./host/accelerator.ts";
export { acquireImage, type ImageSpec } from "./image/source.ts";
export type { Image } from "./image/store/image.ts";
export { ImageLease } from "./image/store/image-lease.ts";
export { ImageStore, type ImageStoreOptions } from "./image/store/image-store.ts";
export { TaskLog } from "./log/task-log.ts";
export { UserNetwork } from "./network/user-network.ts";
export { QmpClient } from "./qmp/client.ts";
export { MachinePool, type MachinePoolOptions } from "./sandbox/machine-pool.ts";
export { Sandbox, type SandboxOptions } from "./sandbox/sandbox.ts";
export { parseMachine } from "./schema/machine.ts";
export { resolveMachine } from "./vm/limits.ts";
export { VirtualMachine, type VirtualMachineOptions, type VmEnd } from "./vm/virtual-machine.ts";
export type { TaskResult } from "./worker/task-result.ts";
export { runTask, type TaskRunOptions } from "./worker/task-run.ts";
