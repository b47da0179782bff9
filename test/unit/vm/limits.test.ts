import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../src/base/errors.ts";
import { MACHINE_DEFAULTS } from "../../../src/generated/machine-defaults.ts";
import { applyLimits, deriveLimits, mergeMachine, resolveMachine } from "../../../src/vm/limits.ts";

const limits = { maxMemory: 4_096, maxCPUs: 8, defaultThreads: 2 };

describe("mergeMachine", () => {
  it("takes each field from the strongest layer that names it: payload, image, config, defaults", () => {
    const machine = mergeMachine({
      payload: { memory: 1 },
      image: { version: 2, memory: 2, cores: 2 },
      config: { memory: 3, cores: 3, graphics: "qxl-vga" },
    });
    expect(machine).toMatchObject({ memory: 1, cores: 2, graphics: "qxl-vga", storage: MACHINE_DEFAULTS.storage });
  });

  it("decides everything but the sizes where nobody says anything", () => {
    expect(mergeMachine({})).toEqual({ version: 2, ...MACHINE_DEFAULTS, boot: undefined });
  });

  it("replaces the flags of a lower layer as a whole, and does not share them", () => {
    const image = { version: 2, flags: ["+avx2"] } as const;
    const machine = mergeMachine({ image: { ...image, flags: [...image.flags] }, payload: { flags: ["-vmx"] } });
    expect(machine.flags).toEqual(["-vmx"]);
    expect(mergeMachine({}).flags).not.toBe(mergeMachine({}).flags);
  });

  it("takes boot files from the image, with an empty command line if it has none", () => {
    const boot = { kernel: "kernel" };
    expect(mergeMachine({ image: { version: 2, boot } }).boot).toEqual({
      kernel: "kernel",
      initrd: undefined,
      cmdline: "",
    });
  });

  it("calls the old chipset by its new name in every layer", () => {
    expect(mergeMachine({ payload: { chipset: "pc-i440fx-2.8" } }).chipset).toBe("pc");
    expect(mergeMachine({ config: { chipset: "pc-i440fx-2.8" } }).chipset).toBe("pc");
  });
});

describe("applyLimits", () => {
  it.each([
    ["nothing asked: default threads, then as many cores as fit", {}, { threads: 2, cores: 4, sockets: 1 }],
    ["threads asked", { threads: 1 }, { threads: 1, cores: 8, sockets: 1 }],
    ["cores asked: threads grow", { cores: 2 }, { threads: 4, cores: 2, sockets: 1 }],
    ["sockets asked", { sockets: 2 }, { threads: 2, cores: 2, sockets: 2 }],
    ["threads and cores asked: sockets grow", { threads: 1, cores: 2 }, { threads: 1, cores: 2, sockets: 4 }],
    ["all asked", { threads: 1, cores: 1, sockets: 1 }, { threads: 1, cores: 1, sockets: 1 }],
    ["default threads do not fit", { cores: 8 }, { threads: 1, cores: 8, sockets: 1 }],
    ["a count that leaves a rest", { cores: 3 }, { threads: 2, cores: 3, sockets: 1 }],
  ])("counts CPUs: %s", (_what, asked, counted) => {
    expect(applyLimits(asked, limits)).toEqual({ memory: 4_096, ...counted });
  });

  it("gives all the memory there is to a machine that names none", () => {
    expect(applyLimits({}, limits).memory).toBe(4_096);
    expect(applyLimits({ memory: 512 }, limits).memory).toBe(512);
  });

  it("names both figures where too much is asked, memory and CPUs together", () => {
    const apply = () => applyLimits({ memory: 8_192, threads: 3, cores: 2, sockets: 2 }, limits);
    expect(apply).toThrow("machine.memory: 8192 MiB is more than the 4096 MiB this worker allows");
    expect(apply).toThrow("3 threads × 2 cores × 2 sockets = 12 CPUs is more than the 8 this worker allows");
    expect(apply).toThrow(expect.objectContaining({ blame: "task", code: "invalid-input" }));
  });

  it("refuses every machine where the worker allows no memory", () => {
    expect(() => applyLimits({}, { ...limits, maxMemory: 0 })).toThrow("so none can run");
    expect(() => applyLimits({ memory: 1 }, { ...limits, maxMemory: 0 })).toThrow("more than the 0 MiB");
  });

  const count = fc.option(fc.integer({ min: 1, max: 255 }), { nil: undefined });
  const sizes = fc
    .record({ memory: fc.option(fc.integer({ min: 1, max: 1_048_576 }), { nil: undefined }), threads: count })
    .chain((some) => fc.record({ cores: count, sockets: count }).map((others) => ({ ...some, ...others })))
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
  const anyLimits = fc.record({
    maxMemory: fc.integer({ min: 1, max: 1_048_576 }),
    maxCPUs: fc.integer({ min: 1, max: 255 }),
    defaultThreads: fc.integer({ min: 1, max: 255 }),
  });

  it("never gives more than the limits, keeps what was asked, and refuses only what exceeds them", () => {
    fc.assert(
      fc.property(sizes, anyLimits, (asked, bounds) => {
        const { memory = 1, threads = 1, cores = 1, sockets = 1 } = asked;
        const isTooMuch = memory > bounds.maxMemory || threads * cores * sockets > bounds.maxCPUs;
        if (isTooMuch) {
          expect(() => applyLimits(asked, bounds)).toThrow(InvalidInputError);
          return;
        }
        const machine = applyLimits(asked, bounds);
        expect(machine).toMatchObject(asked);
        expect(machine.memory).toBeLessThanOrEqual(bounds.maxMemory);
        expect(machine.threads * machine.cores * machine.sockets).toBeLessThanOrEqual(bounds.maxCPUs);
        expect(Math.min(machine.memory, machine.threads, machine.cores, machine.sockets)).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  it("counts like one who adds one CPU after the other", () => {
    fc.assert(
      fc.property(sizes, anyLimits, ({ memory: _memory, ...asked }, bounds) => {
        const stepwise = growStepwise(asked, bounds);
        if (stepwise.threads * stepwise.cores * stepwise.sockets > bounds.maxCPUs) return;
        expect(applyLimits({ ...asked, memory: 1 }, bounds)).toMatchObject(stepwise);
      }),
    );
  });
});

type Counts = { threads?: number; cores?: number; sockets?: number };

/** The rule of the limits, word for word and one step at a time. */
function growStepwise(asked: Counts, { maxCPUs, defaultThreads }: typeof limits): Required<Counts> {
  const counts = { threads: 1, cores: 1, sockets: 1, ...asked };
  const fits = (change: Counts) => {
    const { threads, cores, sockets } = { ...counts, ...change };
    return threads * cores * sockets <= maxCPUs;
  };
  if (asked.threads === undefined && fits({ threads: defaultThreads })) counts.threads = defaultThreads;
  for (const field of ["cores", "threads", "sockets"] as const) {
    while (asked[field] === undefined && counts[field] < 255 && fits({ [field]: counts[field] + 1 })) counts[field]++;
  }
  return counts;
}

describe("deriveLimits", () => {
  const host = { memoryMiB: 16_384, cpus: 4 };

  it("allows what the machine asks for, and the CPUs of the host if it asks for fewer", () => {
    expect(deriveLimits({ memory: 65_536, cores: 8 }, host)).toEqual({
      maxMemory: 65_536,
      maxCPUs: 8,
      defaultThreads: 1,
    });
    expect(deriveLimits({ cores: 2 }, host)).toEqual({ maxMemory: 4_096, maxCPUs: 4, defaultThreads: 1 });
  });

  it("makes limits under which every machine runs", () => {
    const machine = mergeMachine({ image: { version: 2, memory: 100_000, threads: 2, cores: 3 } });
    expect(applyLimits(machine, deriveLimits(machine, host))).toMatchObject({ memory: 100_000, threads: 2, cores: 3 });
  });
});

describe("what cloud-init is told", () => {
  it("is nothing where nobody says anything", () => {
    expect(mergeMachine({ image: { version: 2 } }).cloudInit).toBeUndefined();
  });

  it("comes from a disk where nobody names a source", () => {
    expect(mergeMachine({ payload: { cloudInit: {} } }).cloudInit).toEqual({ source: "disk" });
  });

  it("is put together of all who have a say, field by field", () => {
    const image = { version: 2, cloudInit: { source: "ec2", userData: "#!/bin/sh\n" } } as const;
    const payload = { cloudInit: { userData: "#cloud-config\n" } };
    expect(mergeMachine({ config: { cloudInit: { hostname: "h" } }, image, payload }).cloudInit).toEqual({
      source: "ec2",
      userData: "#cloud-config\n",
      hostname: "h",
    });
  });
});

it("resolves a machine down to the last field", () => {
  const machine = resolveMachine({ payload: { memory: 512 } }, limits);
  const unset = Object.entries(machine).filter(
    ([key, value]) => !["boot", "cloudInit"].includes(key) && value === undefined,
  );
  expect(unset).toEqual([]);
  expect(machine).toMatchObject({ memory: 512, threads: 2, cores: 4, sockets: 1 });
});
