import { SourceError } from '../../watch/source.ts'

/** No homeserver may silence the source for longer. */
const MAX_RETRY_AFTER_MS = 60 * 60 * 1000

/** The homeserver asks us to come back later, or is not well. */
export class HomeserverBusy extends SourceError {
  /** How long it wants us to wait; 0 if it does not say. */
  readonly retryAfterMs: number

  constructor(message: string, retryAfterMs: number) {
    super('SOURCE_UNREACHABLE', message)
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * How long an answer asks us to wait, in milliseconds: `Retry-After` in seconds or as a date, or the
 * older `retry_after_ms` of the body.
 *
 * @see https://spec.matrix.org/v1.16/client-server-api/#rate-limiting
 */
export function readRetryAfter(headers: Headers, body: unknown): number {
  const header = headers.get('retry-after')
  const { retry_after_ms: inBody } = Object(body) as { retry_after_ms?: unknown }
  const waitMs = header === null ? Number(inBody) : parseHeader(header, headers)
  return waitMs > 0 ? Math.min(waitMs, MAX_RETRY_AFTER_MS) : 0
}

/** A date is meant by the clock of the server that sent it. */
function parseHeader(value: string, headers: Headers): number {
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const now = Date.parse(headers.get('date') ?? '')
  return Date.parse(value) - (Number.isNaN(now) ? Date.now() : now)
}
