import { types } from 'node:util'

import { isError } from '../errors.ts'

/** Values nested deeper are only named. */
const MAX_DEPTH = 6
/** The most items shown of a list or an object, and of a whole value. */
const MAX_ITEMS = 100
const MAX_VALUES = 1000
/** The longest text shown. Cut only after redacting: cutting through a user ID would hide it. */
const MAX_TEXT_CHARACTERS = 16_384

/**
 * Copies a value for a log line. Every text and every key in the copy went through `redact`, and the
 * copy consists of plain objects, arrays, texts, numbers and booleans. A map becomes a list of pairs,
 * a set a list, an error its name, message, stack, code, causes and own properties; bytes and functions
 * are only named. Always returns, even if reading the value throws.
 */
export function cleanValue(value: unknown, redact: (text: string) => string): unknown {
  return new Cleaning(redact).clean(value, 0)
}

class Cleaning {
  readonly #redact: (text: string) => string
  /** The objects that hold the one at hand. */
  readonly #holders = new Set<object>()
  #values = 0

  constructor(redact: (text: string) => string) {
    this.#redact = redact
  }

  clean(value: unknown, depth: number): unknown {
    this.#values += 1
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
      case 'boolean':
        return this.#unlessRedacted(value)
      case 'bigint':
      case 'symbol':
        return this.#text(String(value))
      case 'function':
        return '[function]'
      case 'undefined':
        return undefined
      case 'object':
        return value === null ? null : this.#contained(value, depth)
    }
  }

  /** A number stays a number unless it is the user's localpart. */
  #unlessRedacted(value: number | boolean): unknown {
    const text = String(value)
    const redacted = this.#redact(text)
    return redacted === text ? value : redacted
  }

  #text(text: string): string {
    const redacted = this.#redact(text)
    if (redacted.length <= MAX_TEXT_CHARACTERS) return redacted
    const more = redacted.length - MAX_TEXT_CHARACTERS
    return `${redacted.slice(0, MAX_TEXT_CHARACTERS)}… ${more} more characters`
  }

  #contained(value: object, depth: number): unknown {
    if (this.#holders.has(value)) return '[circular]'
    this.#holders.add(value)
    try {
      return this.#object(value, depth)
    } catch {
      return '[unreadable]'
    } finally {
      this.#holders.delete(value)
    }
  }

  #object(value: object, depth: number): unknown {
    const short = inShort(value)
    if (short !== undefined) return this.#text(short)
    if (types.isBoxedPrimitive(value)) return this.clean(value.valueOf(), depth)
    if (depth >= MAX_DEPTH || this.#values >= MAX_VALUES) return '[…]'
    if (Array.isArray(value)) return this.#list(value, value.length, depth)
    if (types.isSet(value) || types.isMap(value)) {
      return this.#list(value, value.size, depth)
    }
    return this.#properties(value, depth)
  }

  #list(values: Iterable<unknown>, length: number, depth: number): unknown[] {
    const shown: unknown[] = []
    for (const value of values) {
      if (shown.length === MAX_ITEMS || this.#values >= MAX_VALUES) {
        shown.push(`… ${length - shown.length} more`)
        break
      }
      shown.push(this.clean(value, depth + 1))
    }
    return shown
  }

  #properties(value: object, depth: number): Record<string, unknown> {
    const names = Object.keys(value)
    // These are not enumerable in an error, unless they were assigned.
    const ofError = isError(value)
      ? ['name', 'message', 'stack', 'cause', 'errors'].filter(name => name in value)
      : []
    const shown: Array<[string, unknown]> = []
    for (const name of new Set([...ofError, ...names])) {
      if (shown.length === MAX_ITEMS || this.#values >= MAX_VALUES) {
        shown.push(['…', `${names.length - shown.length} more`])
        break
      }
      shown.push([this.#key(name, shown), this.#property(value, name, depth)])
    }
    // `fromEntries` defines; an assignment to `__proto__` would not.
    return Object.fromEntries(shown)
  }

  /** Two users may be keys of one object, and both must be seen to be there. */
  #key(name: string, shown: ReadonlyArray<readonly [string, unknown]>): string {
    const redacted = this.#text(name)
    if (redacted === name) return name
    const same = shown.filter(([key]) => key.startsWith(redacted)).length
    return same === 0 ? redacted : `${redacted} ${same + 1}`
  }

  #property(value: object, name: string, depth: number): unknown {
    let content: unknown
    try {
      content = (value as Record<string, unknown>)[name]
    } catch {
      return '[unreadable]'
    }
    return this.clean(content, depth + 1)
  }
}

/** A short description of a value whose contents are of no interest in a log. */
function inShort(value: object): string | undefined {
  if (types.isProxy(value)) return '[proxy]'
  if (types.isPromise(value)) return '[promise]'
  if (value instanceof Date)
    return Number.isNaN(+value) ? '[no date]' : value.toISOString()
  if (value instanceof RegExp || value instanceof URL) return String(value)
  if (!ArrayBuffer.isView(value) && !types.isAnyArrayBuffer(value)) return undefined
  return `[${value.byteLength} bytes]`
}
