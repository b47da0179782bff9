import type { Scope } from "../../src/base/scope.ts";
import { describeHypervisor } from "../contract/hypervisor.ts";
import { Boxcar } from "./boxcar.ts";
import { openQemu } from "./qemu-hypervisors.ts";

describeHypervisor("QEMU", async (scope: Scope) => openQemu(scope.use(await Boxcar.open()), scope));
