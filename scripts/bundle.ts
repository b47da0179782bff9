/**
 * Bundles the command line into dist/command/: reading hundreds of small files takes most of the time that a short
 * command has. The library, dist/index.js, stays as tsc made it.
 *
 * The files lie as deep as those of src/<folder>/, so that paths relative to `import.meta.url` hold in both. What is
 * there already is not written again, and what an earlier build made is left for a day: a `boxcar` that runs now may
 * still load it.
 */
import { fileURLToPath } from "node:url";
import { BuildFolder } from "./build-folder.ts";
import { licencesOf } from "./bundle-licences.ts";
import { bundlePrograms } from "./bundle-programs.ts";

const TARGET = fileURLToPath(new URL("../dist/command", import.meta.url));

const folder = new BuildFolder(TARGET);
const output = await bundlePrograms({ main: "src/main.ts" });
const files = new Map(output.map((file) => [file.fileName, file.type === "chunk" ? file.code : String(file.source)]));
files.set("LICENCES.txt", licencesOf(output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []))));
// The entries last: whoever starts meanwhile finds what they load.
for (const [name, content] of [...files].reverse()) folder.write(name, content);
folder.removeOld(new Set(files.keys()));
