/** What a log line carries besides its sentence. Never a user ID, never a token. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

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
 * A logger that passes every message and every field through `redact` first, so that a line
 * written by a purge handler cannot carry the user it works for (promise 5).
 */
export function redactingLogger(
  logger: Logger,
  redact: (text: string) => string,
): Logger {
  const write = (level: keyof Logger) => (message: string, fields?: LogFields) => {
    try {
      if (fields === undefined) logger[level](redact(print(message)))
      else logger[level](redact(print(message)), clean(fields, redact))
    } catch {
      // A logger that throws, of a full disk perhaps, must not stop an erasure.
    }
  }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
}

function clean(fields: LogFields, redact: (text: string) => string): LogFields {
  const entries = Object.entries(fields).map(([name, value]) => {
    const text = print(value)
    const redacted = redact(text)
    // A number stays a number unless it is somebody's localpart.
    const plain = redacted === text && typeof value !== 'object'
    return [redact(name), plain ? value : redacted]
  })
  return Object.fromEntries(entries)
}

/** Handlers are other people's code: what they log may be anything, even unprintable. */
function print(value: unknown): string {
  try {
    return String(value)
  } catch {
    return '[unprintable]'
  }
}
