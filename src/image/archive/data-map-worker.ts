/** The thread that looks through one file: hundreds of thousands of short reads, which only pay where nobody waits. */
import { parentPort, workerData } from "node:worker_threads";
import { findDataBlocks } from "./data-blocks.ts";
import type { DataMapJob } from "./data-map.ts";

const { fd, ranges } = workerData as DataMapJob;
parentPort?.postMessage(findDataBlocks(fd, ranges));
