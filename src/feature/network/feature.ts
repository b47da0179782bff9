/** The feature `network`: what the machine may reach, and the log of what it asked for. */
import { join } from "node:path";
import type { Feature } from "../feature.ts";
import { describePolicy, formatPolicy } from "./describe-policy.ts";
import { NETWORK_FILE } from "./report.ts";
import { TaskNetwork } from "./task-network.ts";

export const network: Feature = {
  name: "network",
  begin({ payload, config, directory, note, mask, onNetwork }) {
    const policy = payload.network;
    let task: TaskNetwork | undefined;
    return {
      async prepare() {
        const bounds = config.network.policy;
        task = await TaskNetwork.open({ file: join(directory, NETWORK_FILE), policy, bounds, note, mask });
      },
      async connect({ network, egress, mode }) {
        if (task === undefined) return;
        task.attach(network);
        egress.connect(task);
        onNetwork(task);
        note(`network: ${describePolicy(formatPolicy(policy))}; mode ${mode}`);
        // So it is already, and to say it again takes time.
        if (policy.kind !== "isolated") await network.setPolicy(policy);
      },
      async collect() {
        await task?.look();
        return [];
      },
      async salvage() {
        await task?.look();
      },
      finish: async () => await task?.finish(),
      async [Symbol.asyncDispose]() {
        await task?.[Symbol.asyncDispose]();
      },
    };
  },
};
