// Generated from schemas/machine.schema.json by scripts/generate-types.ts; never edited.

import type { Machine } from "./machine.ts";

/** What a field of a machine is where nobody says otherwise; fields without one depend on the worker's limits. */
export const MACHINE_DEFAULTS = {
  uuid: "52bab607-10f1-4049-a0f8-ee4725cb715b",
  chipset: "q35",
  firmware: "bios",
  tpm: false,
  cpu: "host",
  flags: [],
  balloon: false,
  network: "virtio-net-pci",
  mac: "aa:54:1a:30:5c:de",
  storage: "virtio-blk-pci",
  graphics: "VGA",
  usb: "qemu-xhci",
  sound: "none",
  keyboard: "usb-kbd",
  keyboardLayout: "en-us",
  mouse: "usb-mouse",
  tablet: "usb-tablet",
  os: "linux",
} as const satisfies Partial<Machine>;
