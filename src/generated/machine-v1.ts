// Generated from schemas/machine-v1.schema.json by scripts/generate-types.ts; never edited.

/**
 * Old format of machine.json, read and migrated to version 2, never written.
 */
export interface MachineV1 {
  /**
   * Version of this format.
   */
  version: 1;
  /**
   * System UUID the guest sees; 52bab607-10f1-4049-a0f8-ee4725cb715b if it is left out.
   */
  uuid?: string;
  /**
   * Board of the machine.
   */
  chipset?: "pc-i440fx-2.8";
  /**
   * CPU the guest sees.
   */
  cpu?: "host";
  /**
   * CPU features switched on or off on top of the model.
   *
   * @maxItems 256
   */
  flags?: string[];
  /**
   * Threads per CPU core.
   */
  threads?: number;
  /**
   * Cores per CPU socket.
   */
  cores?: number;
  /**
   * CPU sockets.
   */
  sockets?: number;
  /**
   * Memory in MiB.
   */
  memory?: number;
  /**
   * MAC address of the network card, local unicast.
   */
  mac?: string;
  /**
   * USB controller.
   */
  usb?: "piix3-usb-uhci" | "piix4-usb-uhci" | "nec-usb-xhci";
  /**
   * Network card; `e1000` if it is left out.
   */
  network?: "rtl8139" | "e1000";
  /**
   * Device through which the guest sees its disk.
   */
  storage?: "virtio-blk-pci";
  /**
   * Graphics card.
   */
  graphics?: "VGA" | "vmware-svga" | "qxl-vga" | "virtio-vga";
  /**
   * Sound card, or `codec/controller` for Intel HDA.
   */
  sound?:
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
  keyboard?: "usb-kbd" | "PS/2";
  /**
   * Layout by which keys typed over VNC become scan codes.
   */
  keyboardLayout?:
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
  mouse?: "usb-mouse" | "PS/2";
  /**
   * Pointing device with absolute coordinates.
   */
  tablet?: "usb-tablet" | "none";
  /**
   * Display memory in MiB. Read and dropped: version 2 leaves it to the graphics device.
   */
  vgaMemory?: number;
  /**
   * RAM of a qxl-vga device in MiB. Read and dropped: version 2 leaves it to the graphics device.
   */
  graphicsRam?: number;
  /**
   * Video RAM of a qxl-vga device in MiB. Read and dropped: version 2 leaves it to the graphics device.
   */
  graphicsVRam?: number;
}
