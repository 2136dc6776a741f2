import { inspect } from 'node:util'

import { cleanValue } from './clean-value.ts'

/**
 * The fields of a log line, besides its message: never a user ID, never a token. Your logger receives
 * only plain objects, arrays, strings, numbers and booleans. A handler may pass anything to its
 * `log`: the SDK redacts it and limits its size.
 */
export type LogFields = Readonly<Record<string, unknown>>

/** Where log lines go. `console` works; so do pino and winston, with a one-line wrapper. */
export interface Logger {
  /** Steps inside a request: slices, verifications, retries. */
  debug(message: string, fields?: LogFields): void
  /** Events that an operator wants to see once per request. */
  info(message: string, fields?: LogFields): void
  /** Problems that need a look if they persist. */
  warn(message: string, fields?: LogFields): void
  /** Problems that an operator must solve. */
  error(message: string, fields?: LogFields): void
}

/** Writes nothing. The default, because a library does not own its host's output. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Runs code that must not do any harm, such as the host's logger: if it throws, or is async and
 * rejects, the error is ignored.
 */
export function contain(run: () => unknown): void {
  try {
    const answer = run()
    if (typeof answer === 'object' && answer !== null) {
      Promise.resolve(answer).catch(() => {})
    }
  } catch {
    // There is nowhere left to report it.
  }
}

/** A logger that at worst loses a line. All code that takes a logger from outside wraps it in this. */
export function harmlessLogger(logger: Logger): Logger {
  return redactingLogger(logger, text => text)
}

/**
 * A harmless logger that passes every message and every field through `redact` first, so that a
 * line written by a purge handler cannot carry the user it works for (promise 5).
 */
export function redactingLogger(
  logger: Logger,
  redact: (text: string) => string,
): Logger {
  const write = (level: keyof Logger) => (message: string, fields?: LogFields) =>
    contain(() => {
      const text = printMessage(cleanValue(message, redact))
      if (fields === undefined) return logger[level](text)
      return logger[level](text, cleanValue(fields, redact) as LogFields)
    })
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
}

/** Handlers are not our code, and may pass objects as messages. */
function printMessage(message: unknown): string {
  if (typeof message === 'string') return message
  const { stack } = Object(message) as { stack?: unknown }
  if (typeof stack === 'string') return stack
  return inspect(message, { depth: null, breakLength: Number.POSITIVE_INFINITY })
}
