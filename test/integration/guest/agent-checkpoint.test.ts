import { beforeAll, describe, expect, it } from "vitest";
import { createMove } from "../../../src/guest/guest-move.ts";
import { ServiceError } from "../../../src/guest/service-error.ts";
import { type CommandError, runCommand } from "../../../src/host/command.ts";
import { buildAgent, ServiceOnLoopback, sh, VARIANTS } from "./guest-harness.ts";
import { MovingGuest } from "./moving-guest.ts";

describe.each(VARIANTS)("a command that asks the %s agent for a checkpoint", (variant) => {
  let program: string;
  beforeAll(async () => {
    program = await buildAgent(variant);
  });

  async function ask(url: string, name: string): Promise<{ exitCode: number; text: string }> {
    try {
      const { stdout } = await runCommand([program, "--url", url, "checkpoint", name]);
      return { exitCode: 0, text: stdout };
    } catch (error) {
      const { exitCode, stderr } = error as CommandError;
      return { exitCode: exitCode ?? -1, text: stderr };
    }
  }

  it("waits until it is stored, and hears how that went", async () => {
    const asked: string[] = [];
    await using service = await ServiceOnLoopback.start({
      onCheckpoint: async (name) => {
        asked.push(name);
        return { bytes: 12_345_678, stillMs: 84.6 };
      },
    });
    const { exitCode, text } = await ask(service.url, "built-1.0_x");
    expect(text).toBe('boxcar: the checkpoint "built-1.0_x" is stored: 11.8 MiB, the machine stood still for 85 ms');
    expect({ exitCode, asked }).toEqual({ exitCode: 0, asked: ["built-1.0_x"] });
  });

  it("hears why there is none", async () => {
    await using none = await ServiceOnLoopback.start();
    await using full = await ServiceOnLoopback.start({
      onCheckpoint: async () => {
        throw new ServiceError("ResourceConflict", 'no "room"\nis left');
      },
    });
    await using broken = await ServiceOnLoopback.start({
      onCheckpoint: async () => {
        throw new Error("/secret/path: EIO");
      },
    });
    await expect(ask(none.url, "a")).resolves.toEqual({
      exitCode: 1,
      text: expect.stringMatching(/^boxcar: there is no checkpoint "a": this machine may not make checkpoints[^\n]*$/),
    });
    await expect(ask(full.url, "a")).resolves.toMatchObject({
      exitCode: 1,
      text: expect.stringContaining('no "room"'),
    });
    const { exitCode, text } = await ask(broken.url, "a");
    expect({ exitCode, text }).toEqual({
      exitCode: 1,
      text: 'boxcar: there is no checkpoint "a": the host could not store it',
    });
  });

  it("may not ask for another name than there can be", async () => {
    await using service = await ServiceOnLoopback.start({ onCheckpoint: async () => ({ bytes: 1, stillMs: 1 }) });
    for (const name of ["", "A", ".a", "a b", "a/b", "ä", "a".repeat(64), "a\r\nX: y"]) {
      await expect(ask(service.url, name)).resolves.toMatchObject({ exitCode: 1 });
    }
    await expect(ask("http://127.0.0.1:1", "a")).resolves.toMatchObject({
      exitCode: 1,
      text: expect.stringContaining("Connection refused"),
    });
  });

  it("goes on in a copy of its machine, where the checkpoint is", async () => {
    const stored = Promise.withResolvers<void>();
    const script = `${program} --url $URL checkpoint built; echo "exit $?"`;
    await using guest = await MovingGuest.start(program, undefined, {
      onCheckpoint: async () => {
        stored.resolve();
        return await new Promise(() => {});
      },
    });
    guest.host.session.setTask({ ...sh(script), env: { URL: guest.url } });
    await stored.promise;
    const logOffset = guest.leave();
    const second = await guest.move({ move: createMove({ logOffset, checkpoint: "built" }) });
    guest.dropClients();
    await second.log.has("exit ");
    expect(second.log.text()).toBe('boxcar: this machine goes on from the checkpoint "built"\nexit 0\n');
  });
});
