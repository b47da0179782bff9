/** How systemd runs the agent in an image that is not started by boxcar-init. Pure. */

export const AGENT_FILE = "/usr/lib/boxcar/boxcar-agent";
/** Where commands find it. */
export const AGENT_COMMAND = "/usr/bin/boxcar-agent";

/**
 * Started last, so that a machine that is captured has booted. Without its agent the guest can do nothing more, and a
 * second one would run the task again. What a task loses to the kernel for want of memory is nothing to the agent.
 */
export const AGENT_UNIT = {
  name: "boxcar-agent.service",
  text: `[Unit]
Description=Boxcar agent
After=multi-user.target graphical.target cloud-final.service
FailureAction=poweroff

[Service]
ExecStart=${AGENT_FILE}
Environment=HOME=/root
OOMScoreAdjust=-1000
OOMPolicy=continue
Delegate=yes
TasksMax=infinity
LimitNOFILE=1048576
KillMode=mixed
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
`,
} as const;
