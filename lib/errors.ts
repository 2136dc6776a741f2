import { types } from 'node:util'

/** Of an error that says everything by its code. */
interface NoFacts {
  /** The error of the file system or database beneath, if there was one. */
  readonly cause?: unknown
}

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
  /** `allow` threw. */
  ALLOW_FAILED: NoFacts
  /** This bridge has erasure already. */
  ALREADY_ATTACHED: NoFacts
  /** Too late: the SDK has been started. */
  ALREADY_STARTED: NoFacts
  /** Not a bridge that erasure can be attached to. */
  BRIDGE_UNSUPPORTED: NoFacts
  /** The SDK, or its store, is closed. */
  CLOSED: NoFacts
  /** Two handlers have one name. */
  HANDLER_NAME_TAKEN: {
    /** The name that two handlers have. */
    readonly handler: string
  }
  /** Handlers cannot be put into an order. */
  HANDLER_ORDER: {
    /** The handlers that can never start. */
    readonly handlers: readonly string[]
    /** The handler that `after` names and nobody registered; absent where they wait in a circle. */
    readonly missing?: string
  }
  /** Everybody on the machine can read the key. */
  KEY_EXPOSED: OfFile
  /** The key is not 32 bytes. */
  KEY_INVALID: Partial<OfFile>
  /** The store was made with another key. */
  KEY_MISMATCH: Partial<OfFile & OfStore>
  /** The key file is gone, and the store was made with it. */
  KEY_MISSING: OfFile
  /** Nothing was registered that erases. */
  NO_HANDLERS: NoFacts
  /** The server cannot listen where it was told to. */
  PORT_UNAVAILABLE: {
    /** The host it was told to listen on. */
    readonly host: string
    /** The port it was told to listen on. */
    readonly port: number
  }
  /** Not a usable registration. */
  REGISTRATION_INVALID: Partial<OfFile> & {
    /** The property that is wrong, such as `namespaces.users`. */
    readonly property?: string
    /** The line of the file, from 1. */
    readonly line?: number
  }
  /** The registration cannot be read. */
  REGISTRATION_MISSING: OfFile
  /** Another process works on this request. */
  REQUEST_TAKEN: {
    /** The request that another process works on. */
    readonly requestId: string
  }
  /** There is no such open request. */
  REQUEST_UNKNOWN: NoFacts
  /** A sealed value does not open. */
  SEAL_BROKEN: NoFacts
  /** The database is damaged. */
  STORE_CORRUPT: OfStore
  /** The role may not do in the database what the store needs. */
  STORE_FORBIDDEN: OfStore
  /** Another program's database, or a newer version's. */
  STORE_FOREIGN: OfStore
  /** Another process has the database. */
  STORE_LOCKED: OfStore
  /** There is no database to read. */
  STORE_MISSING: OfStore
  /** A connection pooler shares our sessions with others. */
  STORE_POOLED: OfStore
  /** The files of the open database were replaced or removed. */
  STORE_REPLACED: OfStore
  /** Reading failed. */
  STORE_UNREADABLE: OfStore
  /** SQLite would lose data where the file is. */
  STORE_UNSAFE: OfStore
  /** Writing failed. */
  STORE_UNWRITABLE: OfStore
  /** Acknowledged requests could be lost. */
  STORE_VOLATILE: OfStore
  /** Not a user ID. */
  USER_ID_INVALID: NoFacts
  /** `allow` said no. */
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
    ...details: object extends ErasureErrorFacts[Code]
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
    return isError(value) && MARK in value
  }
}

// Node prints the name of an error's class.
Object.defineProperty(CodedError, 'name', { value: 'ErasureError' })

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
  return isError(error) && 'code' in error && codes.includes(String(error.code))
}

/**
 * Whether `value` is an error, of this realm or another. Jest runs modules in a realm of their
 * own, where the errors of Node's own modules are no `instanceof Error`.
 */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value)
}
