// Generated from schemas/machine.schema.json by scripts/generate-types.ts; never edited.

/**
 * Version of this format.
 */
export type MachineVersion = 2;
/**
 * System UUID the guest sees, RFC 4122 in lower case. That of an image that is built is derived from what it is built of.
 */
export type MachineUuid = string;
/**
 * Board of the machine. `pc-i440fx-2.8` is the old name of `pc` and is replaced by it when read.
 */
export type MachineChipset = "q35" | "pc" | "microvm" | "pc-i440fx-2.8";
/**
 * Firmware the machine starts with; `uefi-secure` enforces secure boot.
 */
export type MachineFirmware = "bios" | "uefi" | "uefi-secure";
/**
 * Whether the machine has an emulated TPM 2.0.
 */
export type MachineTpm = boolean;
/**
 * CPU the guest sees: `host`, `max` or a named model of QEMU. `host` becomes `max` where the CPU is emulated.
 */
export type MachineCpu = string;
/**
 * CPU features switched on (`+feature`) or off (`-feature`) on top of the model.
 *
 * @maxItems 256
 */
export type MachineFlags = string[];
/**
 * Threads per CPU core; what the limits allow if it is left out.
 */
export type MachineThreads = number;
/**
 * Cores per CPU socket; what the limits allow if it is left out.
 */
export type MachineCores = number;
/**
 * CPU sockets; what the limits allow if it is left out.
 */
export type MachineSockets = number;
/**
 * Memory in MiB; the most the worker allows if it is left out.
 */
export type MachineMemory = number;
/**
 * Whether memory that the guest frees goes back to the host while the machine runs. Such a machine boots for each task: it is never captured or resumed.
 */
export type MachineBalloon = boolean;
/**
 * Network card.
 */
export type MachineNetworkCard = "virtio-net-pci" | "e1000" | "e1000e" | "rtl8139";
/**
 * MAC address of the network card, local unicast. Every machine has a network of its own, so all may have the same.
 */
export type MachineMac = string;
/**
 * Device through which the guest sees its disk.
 */
export type MachineStorage = "virtio-blk-pci" | "virtio-scsi-pci" | "nvme" | "ide-hd";
/**
 * Graphics card; with `none` there are no screenshots.
 */
export type MachineGraphics = "none" | "VGA" | "virtio-vga" | "qxl-vga" | "vmware-svga" | "bochs-display";
/**
 * USB controller. The two UHCI controllers have two ports only.
 */
export type MachineUsb = "nec-usb-xhci" | "qemu-xhci" | "piix3-usb-uhci" | "piix4-usb-uhci" | "none";
/**
 * Sound card, or `codec/controller` for Intel HDA.
 */
export type MachineSound =
  | "none"
  | "AC97"
  | "ES1370"
  | "hda-duplex/intel-hda"
  | "hda-micro/intel-hda"
  | "hda-output/intel-hda"
  | "hda-duplex/ich9-intel-hda"
  | "hda-micro/ich9-intel-hda"
  | "hda-output/ich9-intel-hda";
/**
 * Keyboard device.
 */
export type MachineKeyboard = "usb-kbd" | "PS/2";
/**
 * Layout by which keys typed over VNC become scan codes; the installed QEMU must ship it.
 */
export type MachineKeyboardLayout =
  | "ar"
  | "da"
  | "de"
  | "de-ch"
  | "en-gb"
  | "en-us"
  | "es"
  | "et"
  | "fi"
  | "fo"
  | "fr"
  | "fr-be"
  | "fr-ca"
  | "fr-ch"
  | "hr"
  | "hu"
  | "is"
  | "it"
  | "ja"
  | "lt"
  | "lv"
  | "mk"
  | "nl"
  | "nl-be"
  | "no"
  | "pl"
  | "pt"
  | "pt-br"
  | "ru"
  | "sl"
  | "sv"
  | "th"
  | "tr";
/**
 * Mouse device.
 */
export type MachineMouse = "usb-mouse" | "PS/2";
/**
 * Pointing device with absolute coordinates; it keeps the pointers of viewer and guest together.
 */
export type MachineTablet = "usb-tablet" | "none";
/**
 * Kind of guest: picks the clock and Hyper-V enlightenments.
 */
export type MachineOs = "linux" | "windows" | "other";

/**
 * machine.json of an image, version 2: the hardware of a virtual machine. Versions 0 and 1 are read and migrated to this one.
 */
export interface Machine {
  version: MachineVersion;
  uuid?: MachineUuid;
  boot?: MachineBoot;
  chipset?: MachineChipset;
  firmware?: MachineFirmware;
  tpm?: MachineTpm;
  cpu?: MachineCpu;
  flags?: MachineFlags;
  threads?: MachineThreads;
  cores?: MachineCores;
  sockets?: MachineSockets;
  memory?: MachineMemory;
  balloon?: MachineBalloon;
  network?: MachineNetworkCard;
  mac?: MachineMac;
  storage?: MachineStorage;
  graphics?: MachineGraphics;
  usb?: MachineUsb;
  sound?: MachineSound;
  keyboard?: MachineKeyboard;
  keyboardLayout?: MachineKeyboardLayout;
  mouse?: MachineMouse;
  tablet?: MachineTablet;
  os?: MachineOs;
  cloudInit?: MachineCloudInit;
}
/**
 * Direct boot of a Linux kernel out of the image archive; without it the machine boots from its disk.
 */
export interface MachineBoot {
  /**
   * File name of the kernel inside the archive.
   */
  kernel: string;
  /**
   * File name of the initial RAM disk inside the archive.
   */
  initrd?: string;
  /**
   * Command line of the kernel.
   */
  cmdline?: string;
}
/**
 * For an image that has cloud-init and no agent, as the clouds' own images are: cloud-init is told who the machine is, and to fetch the agent and start it. Of its fields, too, each is what the strongest layer says that names it.
 */
export interface MachineCloudInit {
  /**
   * Where cloud-init finds what it is told: `disk`, a CD with the label CIDATA; or as the metadata service of that name at 169.254.169.254. `disk` if nobody says.
   */
  source?: "disk" | "nocloud" | "ec2" | "openstack";
  /**
   * User-data of any kind that cloud-init knows, joined to Boxcar's own. It has done its work before the task begins.
   */
  userData?: string;
  /**
   * Host name of the machine; made of the task's name if it is left out.
   */
  hostname?: string;
}
/**
 * Part of a machine definition: what it names replaces what a lower layer says. Version, UUID and boot files belong to the image alone.
 */
export interface MachineOverrides {
  chipset?: MachineChipset;
  firmware?: MachineFirmware;
  tpm?: MachineTpm;
  cpu?: MachineCpu;
  flags?: MachineFlags;
  threads?: MachineThreads;
  cores?: MachineCores;
  sockets?: MachineSockets;
  memory?: MachineMemory;
  balloon?: MachineBalloon;
  network?: MachineNetworkCard;
  mac?: MachineMac;
  storage?: MachineStorage;
  graphics?: MachineGraphics;
  usb?: MachineUsb;
  sound?: MachineSound;
  keyboard?: MachineKeyboard;
  keyboardLayout?: MachineKeyboardLayout;
  mouse?: MachineMouse;
  tablet?: MachineTablet;
  os?: MachineOs;
  cloudInit?: MachineCloudInit;
}
