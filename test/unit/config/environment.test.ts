import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import { overridesIn, unknownVariables } from "../../../src/config/environment.ts";
import { configVariables } from "../../../src/config/variables.ts";

const host = { memoryMiB: 16_384, cpus: 4 };
const resolve = (env: Record<string, string>, document: unknown = {}) =>
  resolveConfig(document, { env, uid: 0, home: "/root", host });

describe("the variables of the configuration", () => {
  it("are one for each scalar, named after its path", () => {
    const names = [...configVariables().values()].map(({ name, path }) => `${name} ${path}`);
    expect(names).toEqual(
      expect.arrayContaining([
        "BOXCAR_STATE_DIR stateDir",
        "BOXCAR_IMAGES_MAX_SIZE_GIB images.maxSizeGiB",
        "BOXCAR_IMAGES_ALLOW_URLS images.allowUrls",
        "BOXCAR_MACHINE_OPTIONS_MAX_CPUS machineOptions.maxCPUs",
        "BOXCAR_MACHINE_MEMORY machine.memory",
        "BOXCAR_LIMITS_MAX_LOG_MIB limits.maxLogMiB",
        "BOXCAR_WORKER_CAPACITY worker.capacity",
        "BOXCAR_WORKER_SHUTDOWN_NOTICE_FILE worker.shutdown.notice.file",
      ]),
    );
  });

  it("do not share a name", () => {
    const aliases = 1;
    const paths = new Set([...configVariables().values()].map(({ path }) => path));
    expect(configVariables().size).toBe(paths.size + aliases);
  });

  it("set values of every type", () => {
    const config = resolve({
      BOXCAR_LIMITS_MAX_RUN_TIME: "2 hours",
      BOXCAR_LIMITS_BOOT_TIMEOUT: "90",
      BOXCAR_LIMITS_MAX_LOG_MIB: "0.5",
      BOXCAR_IMAGES_ALLOW_URLS: "true",
      BOXCAR_MACHINE_GRAPHICS: "none",
      BOXCAR_WORKER_CAPACITY: "7",
      BOXCAR_WORKER_LIFECYCLE_IDLE_EXIT: "5 minutes",
    });
    expect(config).toMatchObject({
      limits: { maxRunTimeMs: 7_200_000, bootTimeoutMs: 90_000, maxLogBytes: 524_288 },
      images: { allowUrls: true, allowPaths: false },
      machine: { graphics: "none" },
      worker: { capacity: 7, lifecycle: { idleExitMs: 300_000 } },
    });
  });

  it("leave the rest of a section as the file has it", () => {
    const file = { worker: { reserve: { memory: 1 }, hostErrors: { max: 9 } } };
    const { worker } = resolve({ BOXCAR_WORKER_RESERVE_DISK_GIB: "2" }, file);
    expect(worker).toMatchObject({ reserve: { memoryMiB: 1, diskBytes: 2 * 1_024 ** 3 }, hostErrors: { max: 9 } });
    expect(file.worker.reserve).toEqual({ memory: 1 });
  });

  it("are named by issues, also by those that no schema finds", () => {
    const env = {
      BOXCAR_WORKER_CAPACITY: "four",
      BOXCAR_IMAGES_ALLOW_URLS: "yes",
      BOXCAR_LIMITS_MAX_RUN_TIME: "1 moon",
    };
    expect(() => resolve(env)).toThrow('BOXCAR_WORKER_CAPACITY: must be a whole number, not "four"');
    expect(() => resolve(env)).toThrow(
      'BOXCAR_IMAGES_ALLOW_URLS: must be true or false, or a list of what URLs begin with, not "yes"',
    );
    expect(() => resolve(env)).toThrow("BOXCAR_LIMITS_MAX_RUN_TIME: must be a number of seconds");
    expect(() => resolve(env)).toThrow("has 3 issues");
  });

  it("win over a short name", () => {
    const env = { BOXCAR_IMAGES_DIR: "/short", BOXCAR_IMAGES_DIRECTORY: "/full" };
    expect(resolve(env).images.directory).toBe("/full");
    expect(resolve({ BOXCAR_IMAGES_DIR: "/short" }).images.directory).toBe("/short");
  });

  it("are all read back as what they are", () => {
    for (const { name, path, types } of configVariables().values()) {
      const text = types.has("boolean") ? "true" : types.has("string") ? "word" : "5";
      const [override] = overridesIn({ [name]: text });
      expect(override, path).toMatchObject({ variable: { path }, value: text === "word" ? text : JSON.parse(text) });
    }
  });
});

it("warns of variables that set nothing, and says which may have been meant", () => {
  const env = { BOXCAR_WORKER_CAPACTY: "1", BOXCAR_X: "", BOXCAR_CONFIG: "f", BOXCAR_TOKEN: "t", PATH: "/bin" };
  expect(unknownVariables(env, ["BOXCAR_TOKEN"])).toEqual([
    "the environment variable BOXCAR_WORKER_CAPACTY sets nothing; did you mean BOXCAR_WORKER_CAPACITY?",
    "the environment variable BOXCAR_X sets nothing",
  ]);
  expect(unknownVariables({ PATH: "/bin" })).toEqual([]);
});
