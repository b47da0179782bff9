/**
 * Tasks as a team has them: some run and have something on their screens, some have failed, some wait.
 *
 * Those that run do so until they are cancelled.
 */
import type { DashboardHost } from "./host.ts";

export interface Scene {
  /** Has a screen, a terminal, and is there for people. */
  readonly running: string;
  /** Has steps, a log in colours, a picture of its screen. */
  readonly failed: string;
  /** Has artifacts of many kinds, and screenshots. */
  readonly completed: string;
  /** Waits for a worker that there is not. */
  readonly pending: string;
}

/** Colours of the console by their numbers, softer than those it has. 3 is that of what is still to be done. */
const PALETTE = { 0: "0f171c", 1: "d9696b", 2: "4caf82", 3: "26343c", 4: "5b8def", 5: "b98bd0", 6: "3fa7b5" } as const;
const DONE = 2;
const TO_DO = 3;
/** Characters. */
const [WIDTH, NAME_WIDTH] = [160, 24];
const BAR_WIDTH = WIDTH - NAME_WIDTH - 12;

type Colour = keyof typeof PALETTE;
type Part = readonly [name: string, percent: number];

/** A command that fills the screen: a heading, and for each part how far it is. */
function paint(title: string, colour: Colour, parts: readonly Part[]): string {
  const palette = Object.entries(PALETTE).map(([number, rgb]) => `\\033]P${number}${rgb}`);
  const band = (text: string) => `\\033[1;97;4${colour}m      ${text.padEnd(WIDTH - 6)}\\033[0m\\n`;
  const heading = [...palette, "\\033[?25l\\033[2J\\033[H", band(""), band(title), band("")];
  return `printf '%b' '${[...heading, ...parts.flatMap((part) => bar(part, colour))].join("")}' > /dev/tty1`;
}

function bar([name, percent]: Part, colour: Colour): string[] {
  const done = Math.round((percent / 100) * BAR_WIDTH);
  const full = `\\033[4${percent === 100 ? DONE : colour}m${" ".repeat(done)}`;
  const row = `${full}\\033[4${TO_DO}m${" ".repeat(BAR_WIDTH - done)}\\033[0m\\n`;
  return ["\\n\\n", ...[name, `${percent} %`, "", ""].map((text) => `      ${text.padEnd(NAME_WIDTH)}${row}`)];
}

const MINUTES = "sleep 600";

const SUITE = String.raw`
printf '\033[1m==> suite %s of 8\033[0m\n' 3
i=0
for name in open-door close-door couple uncouple brake roll lights horn; do
  i=$((i + 1))
  printf '\033[32mok\033[0m %d - %s \033[2m(%d ms)\033[0m\n' $i $name $((i * 37))
done
printf '\033[31mnot ok\033[0m 9 - brakes hold on a slope\n'
printf '    expected \033[32m0\033[0m km/h, and it was \033[31m12\033[0m\n    at brakes.test:41\n'
printf '\033[1;31m1 of 9 failed\033[0m\n'
exit 3
`;

const ARTIFACTS = `
mkdir -p out/report && cd out
seq -f 'number %g' 1 400 > numbers.txt
printf '{"suite":"unit","passed":412,"failed":0,"slowest":["couple","roll"]}' > summary.json
printf '<h1>Coverage</h1><script>parent.document.title = "taken over"</script><p>93 %% of all lines' > report/index.html
printf '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="120"><rect width="320" height="120" fill="#f4efe6"/><path d="M10 100L70 60 130 75 190 30 310 15" fill="none" stroke="#b4531a" stroke-width="4"/></svg>' > chart.svg
base64 -d > dot.png << 'END'
iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGOo/oYdMQwtCewEAIVVf4GGRnEQAAAAAElFTkSuQmCC
END
bash -c ': < /dev/tcp/registry.example.com/443' 2> /dev/null
${paint("COVERAGE", 6, [
  ["unit", 100],
  ["system", 58],
])}
sleep 1.5
${paint("COVERAGE", 6, [
  ["unit", 100],
  ["system", 100],
])}
echo kept
sleep 1.5
`;

/** @param host With room for four tasks. */
export async function stageScene(host: DashboardHost): Promise<Scene> {
  const over = [
    host.submit(SUITE, {
      name: "unit tests, shard 3 of 8",
      role: "submitter",
      payload: {
        command: undefined,
        steps: [
          { name: "install", command: ["sh", "-c", "echo 214 packages; sleep 0.3"] },
          { name: "build", command: ["sh", "-c", "echo compiled 96 files; sleep 0.5"] },
          { name: "test", command: ["sh", "-c", SUITE] },
          { name: "clean up", command: ["sh", "-c", "echo cleaned"], when: "always" },
        ],
      },
    }),
    host.submit(ARTIFACTS, {
      name: "coverage report",
      payload: {
        artifacts: [{ name: "public/out", path: "out", type: "directory" }],
        screenshots: { every: 1 },
      },
    }),
    host.submit(
      `${paint("LINT", 1, [
        ["src", 100],
        ["test", 60],
      ])}; echo 'error: 2 files are not formatted'; exit 1`,
      { name: "lint" },
    ),
  ];
  const [failed = "", completed = "", lint = ""] = await Promise.all(over);
  for (const taskId of [failed, completed, lint]) await host.untilEnded(taskId);
  const builds = paint("LINUX 6.12, NIGHTLY BUILD", 4, [
    ["configure", 100],
    ["kernel", 100],
    ["modules", 62],
    ["packages", 0],
  ]);
  const tests = paint("DRIVER TESTS ON A REAL SCREEN", 5, [
    ["boot", 100],
    ["network", 100],
    ["disk", 100],
    ["suspend", 41],
    ["display", 0],
  ]);
  const installs = paint("INSTALLER", 6, [
    ["partitions", 100],
    ["base system", 100],
    ["boot loader", 100],
    ["first start", 100],
  ]);
  const browsers = paint("BROWSER TESTS", 4, [
    ["chromium", 100],
    ["firefox", 87],
    ["epiphany", 12],
  ]);
  const alive = await Promise.all([
    host.submit(`${tests}; echo ready; ${MINUTES}`, {
      name: "driver tests",
      payload: { interactive: { keepAfter: "10 minutes" }, machine: { keyboard: "PS/2" }, screenshots: { every: 2 } },
    }),
    host.submit(`${builds}; echo ready; ${MINUTES}`, { name: "nightly kernel build" }),
    host.submit(`${browsers}; echo ready; ${MINUTES}`, { name: "browser tests" }),
    host.submit(`${installs}; echo ready`, {
      name: "installer, kept to look at",
      payload: { interactive: { keepAfter: "20 minutes" } },
    }),
  ]);
  for (const taskId of alive) await host.untilLogged(taskId, "\nready\n");
  const pending = await host.submit("true", { name: "release", task: { queue: "arm64" } });
  await host.submit("true", { name: "publish", task: { dependencies: [pending] } });
  await host.submit("true", { name: "nightly packages" });
  return { running: alive[0] ?? "", failed, completed, pending };
}
