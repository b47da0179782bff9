/** What a machine may ask for that this version cannot give, found before anything is started. Pure. */
import { InvalidInputError, type Issue } from "../base/errors.ts";
import type { ResolvedMachine } from "./limits.ts";

const UHCI_PORTS = 2;

/** @throws {InvalidInputError} (blame: task) with every field that cannot be given. */
export function requireSupported(machine: ResolvedMachine): void {
  const issues = [...boardIssues(machine), ...inputIssues(machine)];
  if (issues.length > 0) throw new InvalidInputError("The machine", issues, "task");
}

function boardIssues({ chipset, firmware, tpm }: ResolvedMachine): Issue[] {
  const issues: Issue[] = [];
  if (chipset === "microvm")
    issues.push({ path: "chipset", message: "microvm cannot be started by this version; use q35" });
  if (firmware !== "bios")
    issues.push({ path: "firmware", message: `${firmware} cannot be started by this version; use bios` });
  if (tpm) issues.push({ path: "tpm", message: "a TPM cannot be given by this version; set it to false" });
  return issues;
}

function inputIssues({ usb, keyboard, mouse, tablet }: ResolvedMachine): Issue[] {
  const devices = [keyboard, mouse, tablet].filter((name) => name.startsWith("usb-"));
  if (usb === "none" && devices.length > 0) {
    return [{ path: "usb", message: `none leaves no place for ${devices.join(", ")}` }];
  }
  if (usb.endsWith("-uhci") && devices.length > UHCI_PORTS) {
    return [{ path: "usb", message: `${usb} has ${UHCI_PORTS} ports, too few for ${devices.join(", ")}` }];
  }
  return [];
}
