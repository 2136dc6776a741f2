import type { LogFields, Logger } from '../../lib/host/logger.ts'

interface LogLine {
  readonly level: keyof Logger
  readonly message: string
  readonly fields: LogFields
}

/** A logger that keeps every line, of every level. */
export interface MemoryLog extends Logger {
  readonly lines: LogLine[]
  /** Everything that was logged, as one text. */
  text(): string
}

export function memoryLog(): MemoryLog {
  const lines: LogLine[] = []
  const write =
    (level: keyof Logger) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields })
  return {
    lines,
    text: () => lines.map(line => JSON.stringify(line)).join('\n'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
}
