/** Facts of an error that has none but its code. */
type NoFacts = Readonly<Record<never, never>>

interface OfFile {
  /** The path of the file. */
  readonly file: string
}
interface OfStore {
  /** Where the store is: a path, or a database's host, port and name. Never a user or a password. */
  readonly store: string
}

/**
 * Every error this package throws at run time carries one of these codes, and beside it the facts
 * that its message puts into words. Match on `code`, never on the message. docs/errors.md says
 * what each code means and what to do.
 */
export interface ErasureErrorFacts {
  ALLOW_FAILED: NoFacts
  ALREADY_ATTACHED: NoFacts
  ALREADY_STARTED: NoFacts
  BRIDGE_UNSUPPORTED: NoFacts
  CLOSED: NoFacts
  HANDLER_NAME_TAKEN: {
    /** The name that two handlers have. */
    readonly handler: string
  }
  HANDLER_ORDER: {
    /** The handlers that can never start. */
    readonly handlers: readonly string[]
    /** The handler that `after` names and nobody registered; absent where they wait in a circle. */
    readonly missing?: string
  }
  KEY_EXPOSED: OfFile
  KEY_INVALID: Partial<OfFile>
  KEY_MISMATCH: Partial<OfFile & OfStore>
  KEY_MISSING: OfFile
  NO_HANDLERS: NoFacts
  REGISTRATION_INVALID: Partial<OfFile> & {
    /** The property that is wrong, such as `namespaces.users`. */
    readonly property?: string
    /** The line of the file, from 1. */
    readonly line?: number
  }
  REGISTRATION_MISSING: OfFile
  REQUEST_TAKEN: {
    /** The request that another process works on. */
    readonly requestId: string
  }
  REQUEST_UNKNOWN: NoFacts
  SEAL_BROKEN: NoFacts
  STORE_CORRUPT: OfStore
  STORE_FOREIGN: OfStore
  STORE_LOCKED: OfStore
  STORE_MISSING: OfStore
  STORE_UNREADABLE: OfStore
  STORE_UNWRITABLE: OfStore
  STORE_VOLATILE: OfStore
  USER_ID_INVALID: NoFacts
  USER_REFUSED: NoFacts
}

/** What happened, for programs. */
export type ErasureErrorCode = keyof ErasureErrorFacts

/** An error of this package with one of `Code`, and its facts as properties. */
export type ErasureErrorOf<Code extends ErasureErrorCode> = Code extends ErasureErrorCode
  ? Error & {
      /** Always `ErasureError`. */
      readonly name: 'ErasureError'
      /** What happened, for programs. */
      readonly code: Code
    } & Readonly<ErasureErrorFacts[Code]>
  : never

/**
 * An error of this package: what was wrong, where, and what to do about it. `code` tells the
 * errors apart, and with it the compiler knows the facts: after `error.code === 'KEY_EXPOSED'`
 * there is `error.file`. Nothing in it ever holds a token or a user ID.
 */
export type ErasureError = ErasureErrorOf<ErasureErrorCode>

/** The facts of a code, and the error beneath, of a file system or database, if there was one. */
type Details<Code extends ErasureErrorCode> = ErasureErrorFacts[Code] & {
  readonly cause?: unknown
}

interface ErasureErrorConstructor {
  readonly prototype: ErasureError
  new <Code extends ErasureErrorCode>(
    code: Code,
    message: string,
    ...details: NoFacts extends ErasureErrorFacts[Code]
      ? [details?: Details<Code>]
      : [details: Details<Code>]
  ): ErasureErrorOf<Code>
}

/** Marks our errors, also those of another copy of this package in the same process. */
const MARK = Symbol.for('matrix-appservice-erasure/error')

class CodedError extends Error {
  readonly code: ErasureErrorCode

  constructor(
    code: ErasureErrorCode,
    message: string,
    details: { cause?: unknown } = {},
  ) {
    const { cause, ...facts } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    Object.assign(this, facts)
    Object.defineProperty(this, MARK, { value: true })
  }

  override get name(): 'ErasureError' {
    return 'ErasureError'
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && MARK in value
  }
}

/**
 * Makes an {@link ErasureError} of its code, a message for people (what happened, where, and the
 * way out) and the facts of the code. `instanceof` recognises those of another copy, too.
 */
export const ErasureError: ErasureErrorConstructor =
  CodedError as unknown as ErasureErrorConstructor

/**
 * Whether `error` is one of ours, with this code if one is given. Errors of another copy of this
 * package count, as happens where a bridge and its library bring one each.
 */
export function isErasureError<Code extends ErasureErrorCode = ErasureErrorCode>(
  error: unknown,
  code?: Code,
): error is ErasureErrorOf<Code> {
  return error instanceof ErasureError && (code === undefined || error.code === code)
}

/** The code of an error of ours, for a log line; `UNKNOWN` for any other. */
export function codeOf(error: unknown): ErasureErrorCode | 'UNKNOWN' {
  return isErasureError(error) ? error.code : 'UNKNOWN'
}

/** Whether the operating system, or Node, gave `error` one of these codes, such as `ENOENT`. */
export function hasSystemCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
