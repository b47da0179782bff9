/** The part of noVNC that is used; see its docs/API.md. */
declare module "@novnc/novnc" {
  interface RfbEvents {
    connect: CustomEvent<object>;
    disconnect: CustomEvent<{ clean: boolean }>;
    clipboard: CustomEvent<{ text: string }>;
    desktopname: CustomEvent<{ name: string }>;
    securityfailure: CustomEvent<{ status: number; reason?: string }>;
  }

  // biome-ignore lint/style/noDefaultExport: so the package has it.
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, url: string, options?: { shared?: boolean; wsProtocols?: readonly string[] });
    background: string;
    focusOnClick: boolean;
    qualityLevel: number;
    scaleViewport: boolean;
    viewOnly: boolean;
    addEventListener<Name extends keyof RfbEvents>(name: Name, listener: (event: RfbEvents[Name]) => void): void;
    blur(): void;
    clipboardPasteFrom(text: string): void;
    disconnect(): void;
    focus(options?: FocusOptions): void;
    /** @param down Default: pressed and let go. */
    sendKey(keysym: number, code: string | null, down?: boolean): void;
  }
}
