import { constants } from 'node:os'

import { isError } from '../errors.ts'
import type { ErrorDescription } from '../request/erasure-event.ts'

/** Codes of Node, SQLite and PostgreSQL; anything else may be somebody's name. */
const CODE = /^(?:ERR_[A-Z0-9_]{1,60}|SQLITE_[A-Z_]{1,40}|(?=.*[0-9].*[0-9])[0-9A-Z]{5})$/
const CLASS = /^[A-Z][A-Za-z]{0,40}Error$/

/**
 * What may be said about an error that somebody else's code threw: its class, its code, and
 * where it was thrown. Never its message, which may name the user. `redact` takes the user out of
 * the rest: a class may be named after anybody.
 */
export function describeError(
  error: unknown,
  redact: (text: string) => string = text => text,
): ErrorDescription {
  try {
    if (!isError(error)) return { thrown: typeof error }
    const { name, code } = error as { name?: unknown; code?: unknown }
    const at = firstFrame(error)
    return {
      thrown: redact(typeof name === 'string' && CLASS.test(name) ? name : 'Error'),
      ...(isKnownCode(code) && { code: redact(code) }),
      ...(at !== undefined && { at: redact(at) }),
    }
  } catch {
    return { thrown: 'an error that cannot be read' }
  }
}

function isKnownCode(code: unknown): code is string {
  return (
    typeof code === 'string' && (CODE.test(code) || Object.hasOwn(constants.errno, code))
  )
}

/** The first line of the stack trace behind the message. */
function firstFrame({ stack, message }: Error): string | undefined {
  if (typeof stack !== 'string') return undefined
  const frames = stack.slice(stack.indexOf(message) + message.length).split('\n')
  return frames.find(line => /^ {4}at .+:\d+:\d+\)?$/.test(line))?.trim()
}
