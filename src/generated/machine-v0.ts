// Generated from schemas/machine-v0.schema.json by scripts/generate-types.ts; never edited.

/**
 * Oldest format of machine.json, from before it carried a version; read and migrated to version 2, never written.
 */
export interface MachineV0 {
  /**
   * System UUID the guest sees; 52bab607-10f1-4049-a0f8-ee4725cb715b if it is left out.
   */
  uuid?: string;
  /**
   * Memory in MiB.
   */
  memory?: number;
  /**
   * How many CPUs the machine has.
   */
  cpu?: {
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
  };
  /**
   * The network card.
   */
  network: {
    /**
     * Network card; `e1000` if it is left out.
     */
    device?: "rtl8139" | "e1000";
    /**
     * MAC address of the network card, local unicast.
     */
    mac: string;
  };
  /**
   * The keyboard.
   */
  keyboard: {
    /**
     * Layout by which keys typed over VNC become scan codes.
     */
    layout:
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
  };
  /**
   * The sound card; none if it is left out.
   */
  sound?: {
    /**
     * Sound card, or the codec behind an Intel HDA controller.
     */
    device: "AC97" | "ES1370" | "hda-duplex" | "hda-micro" | "hda-output";
    /**
     * What the sound card hangs on: `pci` for AC97 and ES1370, one of the others for an HDA codec.
     */
    controller: "pci" | "intel-hda" | "ich9-intel-hda";
  };
}
