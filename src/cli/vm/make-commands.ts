/** `boxcar vm create` and `boxcar vm run`, as the command line knows them. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { collect, outputOption, parseCount, parseDisk, parseForward, parseMemory } from "./flags.ts";
import type { MakeFlags } from "./make.ts";

const CREATE = `
Examples:
  boxcar vm create debian-ci --name dev --memory 2G --cpus 2
  boxcar vm create debian-cloud --name web --user-data cloud.yml --publish 8080:80
  boxcar vm create --disk data:10G:/data            the default image, with a disk more
  boxcar vm create --kernel bzImage --append console=ttyS0 --dry-run`;

const RUN = `
Examples:
  boxcar vm run --name dev && boxcar vm shell dev   the default image
  boxcar vm run debian-ci -p 8080:80 -p 22          two ports of the guest; for 22 a port of this host is picked
  boxcar vm run debian-ci --network internet
  boxcar vm run debian-ci --no-wait -o json

At its first start a machine goes on where one of its image had booted, where that can be; --cold has it boot.`;

export function createCommand(context: CliContext): Command {
  return withOptions(new Command("create"), context, false)
    .description("make a machine, and leave it off")
    .addHelpText("after", CREATE);
}

export function runCommand(context: CliContext): Command {
  return withOptions(new Command("run"), context, true)
    .description("make a machine and start it")
    .option("--no-wait", "end when it has begun to boot, not when its guest is in contact")
    .addHelpText("after", RUN);
}

function withOptions(command: Command, context: CliContext, start: boolean): Command {
  return command
    .argument("[image]", "name or digest of an image (default: images.default of the configuration)")
    .option("-n, --name <name>", "what it is called; no other machine has the name")
    .option("-m, --memory <size>", "such as 512M or 2G (default: the image's)", parseMemory)
    .option("-c, --cpus <number>", "how many (default: the image's)", parseCount)
    .option("--machine <file>", "hardware, as in machine.json")
    .option("--network <policy>", "isolated, internet, or allow=NAME,SUBNET:PORT (default: isolated)")
    .option("-p, --publish <ports>", "[ADDRESS:]PORT:GUEST-PORT, or GUEST-PORT; may be repeated", parseForward)
    .option("-d, --disk <disk>", "NAME:SIZE[:PATH], a disk more; may be repeated", parseDisk)
    .option("--kernel <file>", "boot this kernel of this host")
    .option("--initrd <file>", "with this initial RAM disk")
    .option("--append <text>", "and this command line")
    .option("--cdrom <file>", "image of a CD, read-only; may be repeated", collect)
    .option("--user-data <file>", "what cloud-init in the guest is told at its first boot")
    .option("--cold", "boot at the first start, too")
    .option("--dry-run", "print what QEMU would be started with, and make nothing")
    .addOption(outputOption())
    .action(async (image: string | undefined, flags: MakeFlags, self: Command) => {
      const { make } = await import("./make.ts");
      await make(image, flags, start, { context, command: self });
    });
}
