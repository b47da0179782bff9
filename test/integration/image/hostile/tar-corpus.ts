/** Archives that no import may take: what is wrong, the code, a part of the message, and the archive. */
import { archive, DISK, END, entry, header, MACHINE, pax, sparse } from "./tar-builder.ts";

export type HostileArchive = readonly [title: string, code: string, message: string, archive: Buffer];

const TYPES: readonly (readonly [string, string, string])[] = [
  ["1", "archive-link", "link"],
  ["2", "archive-link", "link"],
  ["3", "archive-device", "device"],
  ["4", "archive-device", "device"],
  ["5", "archive-directory", "directory"],
  ["6", "archive-unsupported-entry", "no plain file"],
  ..."DMNVAXZz9 ".split("").map((type) => [type, "archive-unsupported-entry", "no plain file"] as const),
];

const NAMES: readonly (readonly [string, string])[] = [
  ["../disk.img", "archive-unsafe-name"],
  ["/disk.img", "archive-unsafe-name"],
  ["a/../../disk.img", "archive-unsafe-name"],
  ["..", "archive-unsafe-name"],
  ["./disk.img", "archive-unexpected-file"],
  ["disk.img/", "archive-unexpected-file"],
  ["DISK.IMG", "archive-unexpected-file"],
  ["disk.img ", "archive-unexpected-file"],
  ["disk.img\n", "archive-unexpected-file"],
  ["..\\disk.img", "archive-unexpected-file"],
  ["parent", "archive-unexpected-file"],
  ["parent/disk.img", "archive-unexpected-file"],
  ["record.json", "archive-unexpected-file"],
  ["last-used", "archive-unexpected-file"],
  ["", "archive-unexpected-file"],
];

const KERNEL = (fields: object) => header({ name: "kernel", ...fields });
const HUGE = 2n ** 62n;

function gnuSparse(segments: readonly (readonly [number, number])[], realBytes: number, storedBytes: number): Buffer {
  const octal = (value: number) => `${value.toString(8).padStart(11, "0")}\0`;
  const change = (block: Buffer) => {
    for (const [i, [offset, bytes]] of segments.entries()) {
      block.write(octal(offset) + octal(bytes), 386 + 24 * i, "latin1");
    }
    block.write(octal(realBytes), 483, "latin1");
  };
  return entry({ name: "disk.img", type: "S", magic: "ustar  \0", change }, Buffer.alloc(storedBytes, "x"));
}

export const HOSTILE_TARS: readonly HostileArchive[] = [
  ...TYPES.map(
    ([type, code, message]) =>
      [
        `an entry of type ${JSON.stringify(type)}`,
        code,
        message,
        archive(MACHINE, DISK, header({ name: "kernel", type, linkName: "/etc/passwd" })),
      ] as const,
  ),
  ...NAMES.map(
    ([name, code]) =>
      [`the name ${JSON.stringify(name)}`, code, JSON.stringify(name), archive(MACHINE, entry({ name }, "x"))] as const,
  ),
  ["a way out by prefix", "archive-unsafe-name", "../x", archive(MACHINE, entry({ name: "x", prefix: ".." }, "x"))],
  ["a way out by pax", "archive-unsafe-name", "../x", archive(MACHINE, pax({ path: "../x" }), DISK)],
  [
    "a way out by a long name",
    "archive-unsafe-name",
    "../x",
    archive(MACHINE, entry({ name: "L", type: "L" }, "../x\0"), DISK),
  ],
  [
    "a way out by a sparse name",
    "archive-unsafe-name",
    "/x",
    archive(MACHINE, sparse("1\n0\n4\n", "data", { "GNU.sparse.name": "/x" })),
  ],
  [
    "a name with a zero in it",
    "archive-unexpected-file",
    "\\u0000",
    archive(MACHINE, pax({ path: "disk.img\0.txt" }), DISK),
  ],
  ["a file twice", "archive-duplicate", "twice", archive(MACHINE, DISK, DISK)],
  [
    "a file twice, once renamed by pax",
    "archive-duplicate",
    "twice",
    archive(MACHINE, pax({ path: "machine.json" }), DISK),
  ],
  ["no machine.json", "archive-missing-file", "no machine.json", archive(DISK)],
  ["no disk", "archive-missing-file", "no disk.img", archive(MACHINE)],
  ["nothing at all", "archive-missing-file", "machine.json and no disk.img", archive()],
  [
    "a layer, no disk, and no parent",
    "archive-missing-file",
    "names no parent",
    archive(MACHINE, entry({ name: "image.json" }, '{"name":"x"}'), entry({ name: "layer.qcow2" }, "x")),
  ],
  [
    "a parent that is not here",
    "image-parent-missing",
    "import that one first",
    archive(
      MACHINE,
      entry({ name: "image.json" }, `{"name":"x","parent":{"digest":"sha256:${"a".repeat(64)}"}}`),
      entry({ name: "layer.qcow2" }, "x"),
    ),
  ],
  [
    "a parent whose digest is a path",
    "invalid-input",
    "parent.digest",
    archive(
      MACHINE,
      entry({ name: "image.json" }, '{"name":"x","parent":{"digest":"../../x"}}'),
      entry({ name: "layer.qcow2" }, "x"),
    ),
  ],
  [
    "a disk, and a parent",
    "archive-unexpected-file",
    "names a parent",
    archive(
      MACHINE,
      entry({ name: "image.json" }, `{"name":"x","parent":{"digest":"sha256:${"a".repeat(64)}"}}`),
      entry({ name: "layer.qcow2" }, "x"),
      DISK,
    ),
  ],

  [
    "a wrong checksum",
    "archive-corrupt",
    "checksum",
    archive(MACHINE, header({ name: "disk.img", checksum: "000000\0 " })),
  ],
  [
    "a checksum that is none",
    "archive-corrupt",
    "number",
    archive(MACHINE, header({ name: "disk.img", checksum: "zzzzzz\0 " })),
  ],
  [
    "a header of an unknown tar",
    "archive-corrupt",
    "neither of POSIX nor of GNU",
    archive(MACHINE, header({ name: "disk.img", magic: "uzbek\x0000" })),
  ],
  [
    "a negative size",
    "archive-corrupt",
    "number",
    archive(MACHINE, KERNEL({ change: (block: Buffer) => block.fill(0xff, 124, 136) })),
  ],
  ["a size with a sign", "archive-corrupt", "number", archive(MACHINE, KERNEL({ size: "-0000000001\0" }))],
  ["a size of 2^62", "archive-corrupt", "too large", archive(MACHINE, KERNEL({ size: HUGE }))],
  [
    "a size of 2^88",
    "archive-corrupt",
    "too large",
    archive(MACHINE, KERNEL({ size: 1n, change: (block: Buffer) => block.writeUInt8(1, 125) })),
  ],
  ["a size in decimal", "archive-corrupt", "number", archive(MACHINE, KERNEL({ size: "00000000999\0" }))],
  [
    "a kernel QEMU would take memory for",
    "archive-file-too-large",
    "256 MiB",
    archive(MACHINE, KERNEL({ size: 2n ** 29n })),
  ],
  [
    "an initrd QEMU would take memory for",
    "archive-file-too-large",
    "1.0 GiB",
    archive(MACHINE, header({ name: "initrd", size: 2n ** 31n })),
  ],
  [
    "a disk of 1 TiB",
    "archive-file-too-large",
    "1.0 TiB",
    archive(MACHINE, header({ name: "disk.img", size: 2n ** 40n })),
  ],
  [
    "a disk that ends early",
    "archive-truncated",
    "middle of a file",
    archive(MACHINE, header({ name: "disk.img", size: 100_000 })),
  ],
  ["a text after its end", "archive-corrupt", "after the end", archive(MACHINE, DISK, END, Buffer.from("text"))],
  ["an archive after its end", "archive-corrupt", "after the end", archive(MACHINE, DISK, END, MACHINE)],
  [
    "9 MiB of zeros after its end",
    "archive-corrupt",
    "after the end",
    archive(MACHINE, DISK, END, Buffer.alloc(9 * 2 ** 20)),
  ],

  ["a pax size of -1", "archive-corrupt", "size is not a number", archive(MACHINE, pax({ size: "-1" }), DISK)],
  ["a pax size of 1e3", "archive-corrupt", "size is not a number", archive(MACHINE, pax({ size: "1e3" }), DISK)],
  [
    "a pax size of 2^63",
    "archive-corrupt",
    "size is not a number",
    archive(MACHINE, pax({ size: String(2n ** 63n) }), DISK),
  ],
  [
    "a pax size of 1 TiB",
    "archive-file-too-large",
    "1.0 TiB",
    archive(MACHINE, pax({ size: String(2n ** 40n) }), DISK),
  ],
  [
    "a pax size that swallows the next header",
    "archive-truncated",
    "middle of a file",
    archive(MACHINE, pax({ size: "1000000" }), DISK),
  ],
  [
    "a pax size that is too small",
    "archive-corrupt",
    "number that is none",
    archive(MACHINE, pax({ size: "512" }), DISK),
  ],
  ["a pax key twice", "archive-corrupt", "twice", archive(MACHINE, pax("13 size=4096\n13 size=4096\n"), DISK)],
  [
    "two pax headers",
    "archive-corrupt",
    "two extended headers",
    archive(MACHINE, pax({ path: "x" }), pax({ path: "disk.img" }), DISK),
  ],
  [
    "two long names",
    "archive-corrupt",
    "two long names",
    archive(MACHINE, entry({ name: "L", type: "L" }, "x\0"), entry({ name: "L", type: "L" }, "disk.img\0"), DISK),
  ],
  [
    "a long name and a pax path",
    "archive-corrupt",
    "two long names",
    archive(MACHINE, entry({ name: "L", type: "L" }, "x\0"), pax({ path: "disk.img" }), DISK),
  ],
  ["a pax header at the end", "archive-corrupt", "no file follows", archive(MACHINE, DISK, pax({ path: "x" }))],
  ["a pax header that is none", "archive-corrupt", "cannot be read", archive(MACHINE, pax("nonsense"), DISK)],
  [
    "a pax length beyond the header",
    "archive-corrupt",
    "cannot be read",
    archive(MACHINE, pax("999999 path=x\n"), DISK),
  ],
  ["a pax length of 0", "archive-corrupt", "cannot be read", archive(MACHINE, pax("0 path=x\n"), DISK)],
  [
    "a pax header of 1 GiB",
    "archive-corrupt",
    "too large",
    archive(MACHINE, header({ name: "x", type: "x", size: 2 ** 30 })),
  ],
  [
    "a long name of 1 GiB",
    "archive-corrupt",
    "too large",
    archive(MACHINE, header({ name: "x", type: "L", size: 2 ** 30 })),
  ],
  [
    "a thousand headers before a file",
    "archive-corrupt",
    "in a row",
    archive(MACHINE, ...Array.from({ length: 1_000 }, () => pax({ comment: "x" }, "g")), DISK),
  ],
  ["a global path", "archive-corrupt", "changes their path", archive(pax({ path: "disk.img" }, "g"), MACHINE, DISK)],
  ["a global size", "archive-corrupt", "changes their size", archive(pax({ size: "5" }, "g"), MACHINE, DISK)],
  [
    "a global link",
    "archive-corrupt",
    "changes their linkpath",
    archive(pax({ linkpath: "/etc/passwd" }, "g"), MACHINE, DISK),
  ],
  [
    "a global sparse file",
    "archive-corrupt",
    "GNU.sparse.name",
    archive(pax({ "GNU.sparse.name": "x" }, "g"), MACHINE, DISK),
  ],

  [
    "a sparse map of version 0.1",
    "archive-sparse-map",
    "--sparse-version=1.0",
    archive(
      MACHINE,
      sparse("1\n0\n4\n", "data", { "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,4" }),
    ),
  ],
  [
    "a sparse file without its size",
    "archive-corrupt",
    "without its size",
    archive(MACHINE, pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0" }), DISK),
  ],
  [
    "a sparse size of -1",
    "archive-corrupt",
    "not a number",
    archive(MACHINE, sparse("1\n0\n4\n", "data", { "GNU.sparse.realsize": "-1" })),
  ],
  [
    "a sparse size of 1 TiB",
    "archive-file-too-large",
    "1.0 TiB",
    archive(MACHINE, sparse("1\n0\n4\n", "data", { "GNU.sparse.realsize": String(2 ** 40) })),
  ],
  ["segments that overlap", "archive-sparse-map", "overlap", archive(MACHINE, sparse("2\n0\n4\n2\n4\n", "datadata"))],
  [
    "segments that go backwards",
    "archive-sparse-map",
    "out of order",
    archive(MACHINE, sparse("2\n512\n4\n0\n4\n", "datadata")),
  ],
  [
    "a segment beyond the end",
    "archive-sparse-map",
    "beyond the end",
    archive(MACHINE, sparse("1\n4094\n4\n", "data")),
  ],
  [
    "a segment whose end overflows",
    "archive-sparse-map",
    "beyond the end",
    archive(MACHINE, sparse("1\n4096\n9007199254740991\n", "data")),
  ],
  ["a segment of -4 bytes", "archive-sparse-map", "none", archive(MACHINE, sparse("1\n0\n-4\n", "data"))],
  [
    "a segment that is not there",
    "archive-sparse-map",
    "bytes of data where",
    archive(MACHINE, sparse("1\n0\n8\n", "data")),
  ],
  [
    "data that no segment has",
    "archive-sparse-map",
    "bytes of data where",
    archive(MACHINE, sparse("1\n0\n2\n", "data")),
  ],
  ["a map of 2^40 segments", "archive-sparse-map", "more than", archive(MACHINE, sparse(`${2 ** 40}\n`, "data"))],
  ["a map that ends early", "archive-sparse-map", "number", archive(MACHINE, sparse("9\n0\n4\n", "data"))],
  ["a map with an endless number", "archive-sparse-map", "number", archive(MACHINE, sparse("9".repeat(600), "data"))],
  [
    "two kinds of sparse map",
    "archive-corrupt",
    "two sparse maps",
    archive(
      MACHINE,
      pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "4" }),
      gnuSparse([[0, 4]], 4, 4),
    ),
  ],
  [
    "GNU segments that overlap",
    "archive-sparse-map",
    "overlap",
    archive(
      MACHINE,
      gnuSparse(
        [
          [0, 8],
          [4, 8],
        ],
        100,
        16,
      ),
    ),
  ],
  [
    "a GNU segment beyond the end",
    "archive-sparse-map",
    "beyond the end",
    archive(MACHINE, gnuSparse([[96, 8]], 100, 8)),
  ],
  [
    "a GNU sparse file of 60 GiB",
    "archive-file-too-large",
    "at most",
    archive(MACHINE, gnuSparse([], 2 ** 33 - 1, 0), header({ name: "layer.qcow2", size: 60n * 2n ** 30n })),
  ],

  [
    "a machine.json that is deep",
    "invalid-input",
    "nested",
    archive(entry({ name: "machine.json" }, "[".repeat(900_000)), DISK),
  ],
  [
    "a machine.json with too much in it",
    "invalid-input",
    "more than 10000 values",
    archive(entry({ name: "machine.json" }, `{"a":[${"1,".repeat(200_000)}1]}`), DISK),
  ],
  [
    "a machine.json that is none",
    "invalid-input",
    "machine.json",
    archive(entry({ name: "machine.json" }, '"text"'), DISK),
  ],
  [
    "a machine.json with a prototype",
    "invalid-input",
    "not a known key",
    archive(entry({ name: "machine.json" }, '{"version":2,"__proto__":{"memory":1}}'), DISK),
  ],
  [
    "a boot file that is not there",
    "machine-boot-file",
    "not in the archive",
    archive(entry({ name: "machine.json" }, '{"version":2,"boot":{"kernel":"kernel"}}'), DISK),
  ],
  [
    "a boot file elsewhere",
    "machine-boot-file",
    "must be named",
    archive(entry({ name: "machine.json" }, '{"version":2,"boot":{"kernel":"disk.img"}}'), DISK),
  ],
  [
    "a disk that is a qcow2 file",
    "disk-not-raw",
    "qcow",
    archive(MACHINE, entry({ name: "disk.img" }, Buffer.from("QFI\xfb and more", "latin1"))),
  ],
  [
    "a disk that names other files",
    "disk-not-raw",
    "vmdk",
    archive(MACHINE, entry({ name: "disk.img" }, '# Disk DescriptorFile\nRW 1 FLAT "/etc/shadow" 0')),
  ],
];
