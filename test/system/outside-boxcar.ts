/** `boxcar` on the host of an {@link OutsideWorld}, as root or as somebody who may nothing; with probe.c in its image. */
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import { buildProgram } from "../fixtures/network/build-program.ts";
import { addToDefaultImage, Boxcar } from "./boxcar.ts";
import type { OutsideWorld } from "./outside-world.ts";

/** test/fixtures/network/probe.c, in the guest. */
export const PROBE = "/usr/lib/boxcar-test/probe";

const NOBODY = "65534";

export interface OutsideBoxcarOptions {
  rootless: boolean;
  /** The configuration of all its commands. */
  config: object;
}

export async function openOutsideBoxcar(world: OutsideWorld, options: OutsideBoxcarOptions): Promise<Boxcar> {
  const boxcar = await Boxcar.open({
    ownImages: "default",
    prefix: (directory) => [
      ...world.prefix(directory),
      ...["env", `HOME=${directory}`, `BOXCAR_CONFIG=${join(directory, "boxcar.yml")}`],
      ...(options.rootless ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"] : []),
    ],
  });
  try {
    await writeFile(join(boxcar.directory, "boxcar.yml"), stringify(options.config));
    const text = await buildProgram("probe", boxcar.directory);
    await addToDefaultImage(boxcar, [{ path: PROBE, mode: "0100755", text }]);
    if (options.rootless) await giveAway(boxcar);
    return boxcar;
  } catch (error) {
    await boxcar[Symbol.asyncDispose]();
    throw error;
  }
}

/** What of the images is still linked to those of this host must not change its owner there. */
async function giveAway({ directory, images }: Boxcar): Promise<void> {
  const script = 'cp -a --sparse=always "$1" "$1.own" && rm -rf "$1" && mv "$1.own" "$1" && chown -R "$3:$3" "$2"';
  await execa("sh", ["-c", script, "sh", images, directory, NOBODY]);
  await chmod(directory, 0o755);
}
