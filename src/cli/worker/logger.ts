/** The log of a worker process: lines for people on a terminal, JSON for everything else. */
import type { Writable } from "node:stream";
import { pino } from "pino";
import type { Logger, LogLevel } from "../../base/log.ts";
import { printable } from "../printable.ts";

export type LogFormat = "text" | "json";

export function createLogger(stream: Writable, format: LogFormat): Logger {
  return format === "json" ? jsonLogger(stream) : textLogger(stream);
}

/** One object a line: time (ISO 8601), level, msg, and the fields. */
function jsonLogger(stream: Writable): Logger {
  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return {
    log(level: LogLevel, message, fields) {
      logger[level](fields ?? {}, message);
    },
  };
}

function textLogger(stream: Writable): Logger {
  return {
    log(level, message, fields = {}) {
      if (level === "debug") return;
      const details = Object.entries(fields).map(([key, value]) => ` ${key}=${plain(value)}`);
      const mark = level === "info" ? "" : `${level}: `;
      const line = `${new Date().toISOString().slice(11, 23)} ${mark}${message}${details.join("")}`;
      stream.write(`${printable(line)}\n`);
    },
  };
}

function plain(value: unknown): string {
  return typeof value === "string" && /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value);
}
