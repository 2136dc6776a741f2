import type { LogFields, Logger } from 'matrix-appservice-erasure'

/** Writes log lines to the standard error output: nothing in this bridge logs who did what. */
export function createLog(debug: boolean): Logger {
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      const words = Object.entries(fields).map(
        ([name, value]) => `${name}=${String(value)}`,
      )
      const line = [new Date().toISOString(), level, message, ...words].join(' ')
      process.stderr.write(`${line}\n`)
    }
  return {
    debug: debug ? write('debug') : () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
}
