/** A machine of the default image is kept by its own command; copies go on with that command, or as forks of it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Scope } from "../../src/base/scope.ts";
import type { StoredCheckpoint } from "../../src/guest/guest-checkpoints.ts";
import { createMove } from "../../src/guest/guest-move.ts";
import { GuestSession, type GuestSessionOptions } from "../../src/guest/guest-session.ts";
import { createMetadataService } from "../../src/guest/metadata-service.ts";
import { createUpgradeListener } from "../../src/guest/upgrade-listener.ts";
import { createIdentity } from "../../src/guest/wake.ts";
import type { LaunchedMachine } from "../../src/sandbox/launch.ts";
import { LogCollector } from "../integration/guest/guest-harness.ts";
import { Boxcar } from "./boxcar.ts";
import { taskOf } from "./sandboxes.ts";
import { SavableMachines } from "./savable-machines.ts";

const COPIES = 3;
const TASK = taskOf(`echo "begin $$"; echo own > /dev/shm/built
setsid sh -c 'while :; do sleep 0.2; echo beat > /dev/shm/beat; done' > /dev/null 2>&1 &
until [ -e /dev/shm/beat ]; do sleep 0.05; done
boxcar-agent checkpoint built; echo "exit $?"
i=0; while :; do i=$((i+1)); echo "line $i of $$"; sleep 0.2; done`);
const FORK_TASK = `rm -f /dev/shm/beat; cat /dev/shm/built; echo $BOXCAR_FORK_INDEX of $BOXCAR_FORK_COUNT, $BOXCAR_CHECKPOINT
echo mine $BOXCAR_FORK_INDEX > /dev/shm/built
if kill -0 "$OLD" 2> /dev/null; then echo the old command is there; fi
until [ -e /dev/shm/beat ]; do sleep 0.05; done; hostname
echo unique: $(cat /proc/sys/kernel/random/boot_id /etc/machine-id) $(head -c 16 /dev/urandom | od -An -tx1)
cat /dev/shm/built`;

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
});

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

/** Has a machine find a session of its own. */
function meet(scope: Scope, { vm, network }: LaunchedMachine, options: Partial<GuestSessionOptions>) {
  scope.use(vm);
  const log = new LogCollector();
  const guest = scope.use(new GuestSession({ log, ...options }));
  network.setHandler(createMetadataService(guest));
  network.setUpgradeHandler(createUpgradeListener(guest));
  return { guest, log };
}

it("goes on with its command in one copy, and with a task of its own in each fork", async () => {
  await using scope = new Scope();
  const machines = await SavableMachines.open(boxcar, scope);
  const original = await machines.launch();
  const kept = Promise.withResolvers<{ id: string; logOffset: number }>();
  async function onCheckpoint(checkpoint: string): Promise<StoredCheckpoint> {
    const logOffset = guest.log.position;
    const saved = await machines.save(original, checkpoint);
    kept.resolve({ id: saved.id, logOffset });
    return { bytes: saved.diskBytes, stillMs: saved.stillMs };
  }
  const { guest, log } = meet(scope, original, { task: TASK, onCheckpoint });
  await original.vm.resume();
  original.wakeLine.wake(createIdentity("a-task"));

  const { id, logOffset } = await kept.promise;
  await log.has("line 3 of");
  expect(log.text()).toMatch(
    /^begin (\d+)\nboxcar: the checkpoint "built" is stored: .*\nexit 0\nline 1 of \1\nline 2 of \1\n/,
  );
  const [, pid = ""] = /^begin (\d+)\n/.exec(log.text()) ?? [];

  const lease = scope.use(await machines.snapshots.acquire(id));
  const copies = (await machines.copy(lease.saved, COPIES)).map((copy, index) => {
    const fork = { checkpoint: "built", index, count: COPIES - 1 };
    const task = { ...taskOf(FORK_TASK), env: { OLD: pid } };
    const goesOn = index === COPIES - 1;
    const move = goesOn ? createMove({ logOffset, checkpoint: "built", task: TASK }) : createMove({ fork });
    return { ...meet(scope, copy, goesOn ? { move } : { move, task }), copy, move, index };
  });
  for (const { copy, move, index } of copies) {
    await copy.vm.resume();
    copy.wakeLine.move(move, createIdentity(`copy-${index}`));
  }
  await Promise.all(copies.map((copy) => copy.guest.firstContact));

  const forks = copies.slice(0, -1);
  for (const fork of forks) await expect(fork.guest.resolved).resolves.toEqual({ success: true, exitCode: 0 });
  for (const { log: output, index } of forks) {
    expect(output.text()).toMatch(
      new RegExp(
        `^own\n${index} of ${COPIES - 1}, built\nboxcar-copy-${index}\nunique: .{36} .{32} ( ?[0-9a-f]{2}){16}\nmine ${index}\n$`,
      ),
    );
  }
  const words = forks.flatMap(({ log: output }) => /unique: (\S+) (\S+) (.*)\n/.exec(output.text())?.slice(1) ?? []);
  expect(new Set(words).size).toBe(3 * forks.length);

  const resumed = copies.at(-1) ?? expect.fail("no copy");
  await resumed.log.has("line 3 of");
  expect(resumed.log.text()).toMatch(
    new RegExp(
      `^boxcar: this machine goes on from the checkpoint "built"\nexit 0\nline 1 of ${pid}\nline 2 of ${pid}\nline 3 of ${pid}\n`,
    ),
  );
  await expect(resumed.guest.exec({ command: ["cat", "/dev/shm/built"] })).resolves.toMatchObject({
    output: Buffer.from("own\n"),
  });
  await resumed.guest.killProcess({ graceMs: 0 });
  await expect(resumed.guest.resolved).resolves.toMatchObject({ success: false, signal: "SIGKILL" });
  const lines = log.text().split("\n").length;
  await log.has(`line ${lines + 2} of ${pid}\n`);
});
