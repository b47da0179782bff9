/**
 * Reads machine.json of any version and returns the newest.
 *
 * Fields nobody set stay unset, so that the layers below the image (worker
 * configuration, defaults) still count, except those whose default was another
 * one in the old formats.
 */
import { InvalidInputError } from "../base/errors.ts";
import type { Machine } from "../generated/machine.ts";
import { MACHINE_DEFAULTS } from "../generated/machine-defaults.ts";
import type { MachineV0 } from "../generated/machine-v0.ts";
import type { MachineV1 } from "../generated/machine-v1.ts";
import { type ParseOptions, parseAs } from "./parse.ts";

/** Sound cards that sit on the PCI bus themselves; all others are a codec behind a controller. */
const PCI_SOUND_CARDS: readonly string[] = ["AC97", "ES1370"];

/**
 * @throws {@link InvalidInputError} with every issue found, or naming the version if it is not a known one.
 */
export function parseMachine(data: unknown, options: ParseOptions): Machine {
  switch (versionOf(data)) {
    case undefined:
      return migrateV1(migrateV0(parseAs("machine-v0", data, options), options));
    case 1:
      return migrateV1(parseAs("machine-v1", data, options));
    case 2: {
      const machine = parseAs("machine", data, options);
      return machine.chipset === "pc-i440fx-2.8" ? { ...machine, chipset: "pc" } : machine;
    }
    default: {
      const issue = { path: "version", message: "must be 2 (the versions 1 and 0, which has no number, are read too)" };
      throw new InvalidInputError(options.subject, [issue], options.blame);
    }
  }
}

/** Undefined where there is none: version 0, or something that is no machine at all. */
function versionOf(data: unknown): unknown {
  if (typeof data !== "object" || data === null || !("version" in data)) return undefined;
  return data.version;
}

function migrateV0(machine: MachineV0, options: ParseOptions): MachineV1 {
  const { uuid, memory, cpu, network, keyboard, sound } = machine;
  return {
    version: 1,
    ...(uuid !== undefined && { uuid }),
    ...(memory !== undefined && { memory }),
    ...cpu,
    network: network.device ?? "e1000",
    mac: network.mac,
    keyboardLayout: keyboard.layout,
    ...(sound !== undefined && { sound: migrateSound(sound, options) }),
  };
}

function migrateSound(
  { device, controller }: NonNullable<MachineV0["sound"]>,
  options: ParseOptions,
): NonNullable<MachineV1["sound"]> {
  const isCard = PCI_SOUND_CARDS.includes(device);
  if (isCard !== (controller === "pci")) {
    const needed = isCard ? '"pci"' : '"intel-hda" or "ich9-intel-hda"';
    const issue = { path: "sound.controller", message: `must be ${needed} for ${device}, not "${controller}"` };
    throw new InvalidInputError(options.subject, [issue], options.blame);
  }
  return (isCard ? device : `${device}/${controller}`) as NonNullable<MachineV1["sound"]>;
}

function migrateV1(machine: MachineV1): Machine {
  // The sizes of the display memory have no place in version 2.
  const { vgaMemory: _vga, graphicsRam: _ram, graphicsVRam: _vram, chipset: _chipset, ...kept } = machine;
  return { uuid: MACHINE_DEFAULTS.uuid, network: "e1000", ...kept, version: 2, chipset: "pc" };
}
