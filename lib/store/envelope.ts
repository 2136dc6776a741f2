/** The end of a document's life is rounded up by this part of it at most. */
const GRAIN = 1 / 100

/** A document as it was read. */
export interface Seen<Value> {
  readonly value: Value
  /** Letter by letter as it is stored: what a change is compared with. */
  readonly text: string
  /** When it is past its time, in milliseconds since the Unix epoch; absent: never. */
  readonly expires?: number
  /** How long it was to live at most when it was written. Version 0.1 did not say. */
  readonly ttl?: number
}

/**
 * The text of a document, and how long an adapter keeps it. `expires` is rounded up, so that a
 * tombstone cannot be matched to the record that was written with it by their times.
 */
export function sealEnvelope(
  value: unknown,
  ttlMs: number | undefined,
  now: number,
): { readonly text: string; readonly ttl?: number } {
  if (ttlMs === undefined) return { text: documentText(value) }
  const grainMs = Math.max(1, Math.floor(ttlMs * GRAIN))
  const expires = Math.ceil((now + ttlMs) / grainMs) * grainMs
  const ttl = Math.ceil(ttlMs) + grainMs
  return { text: JSON.stringify({ value, expires, ttl }), ttl: Math.ceil(expires - now) }
}

/** The text of a document that stays until it is deleted. */
export function documentText(value: unknown): string {
  return JSON.stringify({ value })
}

/** Reads what an adapter answers; some take the text apart by themselves. */
export function openEnvelope<Value>(raw: unknown): Seen<Value> | undefined {
  if (raw === undefined || raw === null) return undefined
  const text = typeof raw === 'string' ? raw : JSON.stringify(raw)
  const { value, expires, ttl } = JSON.parse(text) as Partial<Seen<Value>>
  if (value === undefined) return undefined
  return {
    value,
    text,
    ...(typeof expires === 'number' && { expires }),
    ...(typeof ttl === 'number' && { ttl }),
  }
}

/** Whether a document is past its time, and so is not there. */
export function isPast({ expires }: Seen<unknown>, now: number): boolean {
  return expires !== undefined && expires <= now
}
