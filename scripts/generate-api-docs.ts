/** Writes the table of operations into docs/api.md; a test says when that is due. */
import { readFileSync, writeFileSync } from "node:fs";
import { describedRoutes } from "../src/cli/worker/describe-api.ts";
import { resolveConfig } from "../src/config/config.ts";
import { apiTable } from "./api-table.ts";

const FILE = new URL("../docs/api.md", import.meta.url);
const TABLE = /^\| operation .*(?:\n\|.*)*/m;

const config = resolveConfig({}, { env: {}, uid: 0, home: "/root", host: { memoryMiB: 65_536, cpus: 8 } });
const text = readFileSync(FILE, "utf8");
writeFileSync(
  FILE,
  text.replace(TABLE, () => apiTable(describedRoutes(config))),
);
