import { inspect } from 'node:util'

import { cleanValue } from './clean-value.ts'

/**
 * What a log line carries besides its sentence: never a user ID, never a token. What reaches your
 * logger is made of plain objects, arrays, texts, numbers and booleans. What a handler gives to its
 * `log` may be anything: it is redacted, and bounded.
 */
export type LogFields = Readonly<Record<string, unknown>>

/** Where log lines go. `console` fits; so do pino and winston behind a one-line wrapper. */
export interface Logger {
  /** Steps inside a request: slices, verifications, retries. */
  debug(message: string, fields?: LogFields): void
  /** What an operator wants to see once per request. */
  info(message: string, fields?: LogFields): void
  /** Something that needs a look if it stays. */
  warn(message: string, fields?: LogFields): void
  /** Something that needs a person. */
  error(message: string, fields?: LogFields): void
}

/** Writes nothing: the default, since a library does not own its host's output. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Runs what must never do harm, such as somebody else's logger: if it throws, or is async and
 * rejects, that is the end of it.
 */
export function contain(run: () => unknown): void {
  try {
    const answer = run()
    if (typeof answer === 'object' && answer !== null) {
      Promise.resolve(answer).catch(() => {})
    }
  } catch {
    // Nobody is left to tell.
  }
}

/** A logger that loses a line at worst. Everything that takes a logger from outside wraps it. */
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

/** Handlers are other people's code, and may take it for a logger that is given objects. */
function printMessage(message: unknown): string {
  if (typeof message === 'string') return message
  const { stack } = Object(message) as { stack?: unknown }
  if (typeof stack === 'string') return stack
  return inspect(message, { depth: null, breakLength: Number.POSITIVE_INFINITY })
}
