/** `boxcar vm shell`, `exec`, `cp` and so on, as the command line knows them. */
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { collect, parseDurationMs, parsePort } from "./flags.ts";
import type { RunFlags, SyncFlags } from "./guest.ts";

const MACHINE = ["<machine>", "id, name, or the first 3 digits or more of an id"] as const;
const load = () => import("./guest.ts");

export function consoleCommand(context: CliContext): Command {
  return new Command("console")
    .description("attach to the serial console: what came last, and what comes; Ctrl-] leaves")
    .argument(...MACHINE)
    .addHelpText("after", "\nExamples:\n  boxcar vm console dev")
    .action(async (ref: string, _flags: object, command: Command) =>
      (await load()).attachConsole(ref, { context, command }),
    );
}

export function shellCommand(context: CliContext): Command {
  return withPlace(new Command("shell"))
    .description("open a shell in a machine, by its agent: no network and no keys are needed")
    .argument(...MACHINE)
    .argument("[arguments...]", "program and arguments (default: the shell of the user)")
    .option("-T, --no-tty", "no terminal in the machine (default where stdin or stdout is none)")
    .addHelpText("after", "\nExamples:\n  boxcar vm shell dev\n  boxcar vm shell dev --user root -- top")
    .action(async (ref: string, words: string[], flags: RunFlags, command: Command) =>
      (await load()).shell(ref, words, flags, { context, command }),
    );
}

export function execCommand(context: CliContext): Command {
  return withPlace(new Command("exec"))
    .description("run a command in a machine; its exit code is that of boxcar")
    .argument(...MACHINE)
    .argument("<arguments...>", "program and arguments")
    .option("-i, --interactive", "with stdin, and stderr apart from stdout")
    .option("--timeout <duration>", "end it after that, with exit code 124", parseDurationMs)
    .addHelpText(
      "after",
      `\nExamples:
  boxcar vm exec dev -- uname -a
  boxcar vm exec -i dev -- tar -xC /srv < site.tar
  boxcar vm exec --env LANG=C --cwd /srv dev -- make`,
    )
    .action(async (ref: string, words: string[], flags: RunFlags, command: Command) =>
      (await load()).exec(ref, words, flags, { context, command }),
    );
}

export function copyCommand(context: CliContext): Command {
  return new Command("cp")
    .description("copy files and folders into a machine, or out of it")
    .argument("<file...>", "from where, and at last to where; in a machine: NAME:PATH")
    .option("--user <user>", "whose they are in the machine")
    .addHelpText(
      "after",
      `\nExamples:
  boxcar vm cp site.tar dev:/srv/
  boxcar vm cp src dev:/srv/       the folder is /srv/src there; src/. is what is in it
  boxcar vm cp dev:/var/log/syslog .`,
    )
    .action(async (places: string[], flags: { user?: string }, command: Command) => {
      const target = places.at(-1);
      if (target === undefined || places.length < 2) command.error("error: it must be said from where to where");
      else await (await import("./copy.ts")).copy(places.slice(0, -1), target, flags, { context, command });
    });
}

export function syncCommand(context: CliContext): Command {
  return new Command("sync")
    .description("make a folder like another one with rsync, by the agent; both sides need rsync")
    .argument("<from>", "a folder, or NAME:PATH")
    .argument("<to>", "a folder, or NAME:PATH")
    .option("--delete", "remove what is not in the source")
    .option("--exclude <pattern>", "leave out; may be repeated", collect)
    .option("--chown <user:group>", "whose files they are at the target")
    .addHelpText("after", "\nExamples:\n  boxcar vm sync --delete --exclude .git ./ dev:/srv/app")
    .action(async (from: string, to: string, flags: SyncFlags, command: Command) =>
      (await load()).sync(from, to, flags, { context, command }),
    );
}

export function sshCommand(context: CliContext): Command {
  return new Command("ssh")
    .description("ssh into a machine, for images without an agent; no network of this host leads there")
    .argument("<target>", "MACHINE or USER@MACHINE (default: root)")
    .argument("[arguments...]", "for the far end")
    .option("-i, --identity <file>", "a private key")
    .option("--port <number>", "of the guest (default: 22)", parsePort)
    .addHelpText(
      "after",
      "\nExamples:\n  boxcar vm ssh debian@web\n  boxcar vm ssh -i key root@web -- systemctl status",
    )
    .action(async (target: string, words: string[], flags: { identity?: string; port?: number }, command: Command) =>
      (await load()).ssh(target, words, flags, { context, command }),
    );
}

export function connectCommand(context: CliContext): Command {
  return new Command("connect")
    .description("join stdin and stdout with a TCP port of a machine")
    .argument(...MACHINE)
    .argument("<port>", "of the guest", parsePort)
    .addHelpText("after", "\nExamples:\n  boxcar vm connect dev 80 < request.txt")
    .action(async (ref: string, port: number, _flags: object, command: Command) =>
      (await load()).connect(ref, port, { context, command }),
    );
}

function withPlace(command: Command): Command {
  return command
    .option("-u, --user <user>", "who runs it (default: the image's)")
    .option("--cwd <path>", "where; made if it is not there")
    .option("-e, --env <NAME=VALUE>", "a variable; may be repeated", collect);
}
