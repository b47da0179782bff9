/** What can be done with a machine that was brought up, line by line. Pure. */
export function resumeHints(ref: string, reason: string | undefined): string[] {
  const hints = [
    [`boxcar vm shell ${ref}`, "its processes are alive; the command that failed stands at its end"],
    [`boxcar vm vnc ${ref}`, "its screen"],
    [`boxcar vm console ${ref}`, "its serial console"],
    [`boxcar vm rm --force ${ref}`, "when nobody needs it any more"],
  ] as const;
  const width = Math.max(...hints.map(([command]) => command.length));
  return [
    ...(reason === undefined ? [] : [`as it was when ${reason}`]),
    ...hints.map(([command, what]) => `${command.padEnd(width)}   ${what}`),
  ];
}
