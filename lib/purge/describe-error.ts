import { existsSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

import { isError } from '../errors.ts'
import type { ErrorDescription } from '../request/erasure-event.ts'

/**
 * Error classes of the language, of Node and of what bridges are built on. Any other name may name a
 * user: it is a text that the author of the error chose.
 */
const CLASS =
  /^(?:(?:Aggregate|Eval|Range|Reference|Syntax|Type|URI|Assertion|Abort|Timeout|Internal|System|Sqlite|Database|Matrix|Fetch|Http|Network|Connection|Validation)?Error|DOMException|NotFoundError|InvalidStateError)$/
/** The words that Node's codes, and those of its `fetch`, are made of. */
const NODE_WORDS = new Set(
  `UND ERR ABORTED AFTER ALREADY ALTNAME ARG ARGS ASSERTION ASYNC BAD BODY BOUNDS BUFFER CALLBACK
  CALLED CERT CLOSE CLOSED CONNECT CONTENT CRYPTO DESTROYED DIR DISPOSED ENCODING END ERROR EXISTS
  EXPECTED FAILED FILE FOR FORMAT FOUND FS HEADERS HTTP HTTP2 IMPLEMENTED IN INFO INSUFFICIENT INTERNAL
  INVALID IPC IS KEY LENGTH LIMIT LOADED LONG MESSAGE METHOD MISMATCH MISSING MODULE MULTIPLE NAME NOT
  NULL OF OPERATION OPTION OUT OVERFLOW PACKAGE PATH PERMISSION PORT PREMATURE PROTOCOL RANGE REQUEST
  REQUIRE REQUIRED RESPONSE RETURN RUNNING SENT SERVER SESSION SIZE SOCKET SQLITE STATE STATUS STREAM
  STRING SUPPORTED SYSTEM TIMEOUT TLS TOO TYPE UNAVAILABLE UNHANDLED UNKNOWN UNSUPPORTED URL USE VALUE
  VALUES WORKER WRAP WRITE`.split(/\s+/),
)
const SQLITE_CODE =
  /^SQLITE_(?:ABORT|AUTH|BUSY|CANTOPEN|CONSTRAINT|CORRUPT|ERROR|FULL|INTERNAL|INTERRUPT|IOERR|LOCKED|MISMATCH|MISUSE|NOMEM|NOTADB|NOTFOUND|PERM|PROTOCOL|RANGE|READONLY|SCHEMA|TOOBIG)(?:_(?:CHECK|FOREIGNKEY|FSYNC|NOTNULL|PRIMARYKEY|READ|RECOVERY|SNAPSHOT|TRIGGER|UNIQUE|WRITE))?$/
/** Of PostgreSQL: a class, and three characters of which the second is a digit. */
const SQL_STATE =
  /^(?:[0-5][0-9]|0[ABLPZ]|2[BDF]|3[BDF]|72|F0|HV|P0|XX)[0-9P][0-9][0-9A-Z]$/
/** A line of a stack trace: a file and a place in it, behind the name of a function perhaps. */
const FRAME =
  /^ {4}at (?:.+ \()?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]+\.[cm]?[jt]sx?|node:[a-z/_]+):(\d+):(\d+)\)?$/

/**
 * What is safe to say about an error that other code threw: its class and its code, if they are well
 * known, and where it was thrown. Never its message or any other text that its author chose: that may
 * name this user or another one. `redact` removes the user from the rest: a code or a folder may have
 * the same name.
 */
export function describeError(
  error: unknown,
  redact: (text: string) => string = text => text,
): ErrorDescription {
  try {
    if (!isError(error)) return { thrown: typeof error }
    const { name, code } = error as { name?: unknown; code?: unknown }
    const at = firstPlace(error)
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
  if (typeof code !== 'string') return false
  const isNodes =
    /^(?:UND_)?ERR_/.test(code) && code.split('_').every(word => NODE_WORDS.has(word))
  return (
    isNodes ||
    SQLITE_CODE.test(code) ||
    SQL_STATE.test(code) ||
    Object.hasOwn(constants.errno, code)
  )
}

/**
 * The first place in the stack trace whose file exists. A trace begins with the current or an earlier
 * message, and a message may look like a trace.
 */
function firstPlace({ stack }: Error): string | undefined {
  if (typeof stack !== 'string') return undefined
  for (const line of stack.split('\n')) {
    const [, file, row, column] = FRAME.exec(line) ?? []
    if (file !== undefined && isSource(file)) return `at ${file}:${row}:${column}`
  }
  return undefined
}

function isSource(file: string): boolean {
  return (
    isBuiltin(file) || existsSync(file.startsWith('file:') ? fileURLToPath(file) : file)
  )
}
