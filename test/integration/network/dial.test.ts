import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import type { GuestNetwork } from "../../../src/network/guest-network.ts";
import { DEFAULT_LIMITS } from "../../../src/network/limits.ts";
import { obtainKeeper } from "../../../src/network/namespace/keeper-program.ts";
import { NamespaceNetwork } from "../../../src/network/namespace/namespace-network.ts";
import { UserNetwork } from "../../../src/network/user/user-network.ts";
import { MACHINE_MAC } from "../../fakes/fake-guest.ts";
import { FakeServices } from "../../fakes/fake-services.ts";
import { KernelGuest, whyNoKernelGuest } from "../../fakes/kernel-guest.ts";
import { buildTapCable, TapCable } from "../../fakes/tap-cable.ts";

const ECHO = fileURLToPath(new URL("../../fixtures/network/echo-server.ts", import.meta.url));
const MTU = 15_360;
const PORT = 7;

async function open(scope: Scope, mode: "user" | "namespace"): Promise<{ network: GuestNetwork; guest: KernelGuest }> {
  const services = scope.use(new FakeServices({}));
  const options = { mac: MACHINE_MAC, mtu: MTU, services, limits: DEFAULT_LIMITS };
  if (mode === "user") {
    const network = scope.use(await UserNetwork.open(options));
    const guest = scope.use(await KernelGuest.start(MTU));
    network.connect(guest.link);
    return { network, guest };
  }
  const directory = await mkdtemp(join(tmpdir(), "boxcar-dial-"));
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  const program = await obtainKeeper(join(directory, "cache"));
  const means = { program, userNamespace: false };
  const network = scope.use(await NamespaceNetwork.open({ ...options, means }));
  const guest = scope.use(await KernelGuest.start(MTU));
  scope.use(await TapCable.plug(await buildTapCable(directory), network, guest.link));
  return { network, guest };
}

async function serve(scope: Scope, guest: KernelGuest): Promise<void> {
  const [file = "", ...args] = [...guest.enter, process.execPath, ECHO, String(PORT)];
  const server = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  scope.defer(() => server.kill("SIGKILL"));
  await once(server.stdout as Duplex, "data");
}

const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

describe.skipIf(whyNoKernelGuest() !== undefined).each(["user", "namespace"] as const)(
  `connections to a guest, in the mode %s (${whyNoKernelGuest() ?? "with the kernel's TCP"})`,
  (mode) => {
    it("reach a port that somebody listens on, whole in both directions, although the guest reaches nothing", async () => {
      await using scope = new Scope();
      const { network, guest } = await open(scope, mode);
      await serve(scope, guest);
      await Promise.all(
        [1, 1_000, 3_000_000].map(async (bytes) => {
          const sent = randomBytes(bytes);
          const connection = await network.dial(PORT);
          connection.end(sent);
          const received = await buffer(connection);
          expect([received.length, digest(received)]).toEqual([bytes, digest(sent)]);
        }),
      );
    }, 60_000);

    it("are refused at a port that nobody listens on, and after the end", async () => {
      await using scope = new Scope();
      const { network } = await open(scope, mode);
      await expect(network.dial(9)).rejects.toMatchObject({
        code: "network-dial-failed",
        message: expect.stringMatching(/port 9 of the guest.*(nobody listens|refused)/),
      });
      await network[Symbol.asyncDispose]();
      await expect(network.dial(9)).rejects.toMatchObject({ code: "network-dial-failed" });
    }, 60_000);
  },
);
