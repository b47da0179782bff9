/** How systemd runs the agent in an image that is not started by boxcar-init. Pure. */

export const AGENT_FILE = "/usr/lib/boxcar/boxcar-agent";

export const AGENT_UNIT = {
  name: "boxcar-agent.service",
  text: `[Unit]
Description=Boxcar's agent, which runs the task of this machine
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=${AGENT_FILE}
Restart=on-failure
KillMode=process
OOMPolicy=continue
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
`,
} as const;
