import { types } from 'node:util'

/** The facts of an error whose code says everything. */
interface NoFacts {
  /** The underlying error of the file system or database, if there was one. */
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
 * Every error this package throws at run time carries one of these codes, and the facts of its
 * message as properties. Match on `code`, never on the message. docs/errors.md says what each code
 * means and what to do.
 */
export interface ErasureErrorFacts {
  /** `allow` threw. */
  ALLOW_FAILED: NoFacts
  /** Erasure is already attached to this bridge. */
  ALREADY_ATTACHED: NoFacts
  /** Too late: the SDK has already been started. */
  ALREADY_STARTED: NoFacts
  /** Erasure cannot be attached to this bridge. */
  BRIDGE_UNSUPPORTED: NoFacts
  /** The SDK, or its store, is closed. */
  CLOSED: NoFacts
  /** Two handlers have the same name. */
  HANDLER_NAME_TAKEN: {
    /** The name that both handlers have. */
    readonly handler: string
  }
  /** Handlers cannot be put into an order. */
  HANDLER_ORDER: {
    /** The handlers that can never start. */
    readonly handlers: readonly string[]
    /** The handler that `after` names but that is not registered; absent for a circle. */
    readonly missing?: string
  }
  /** Every user of the machine can use the key. */
  KEY_EXPOSED: OfFile
  /** The key is not 32 bytes. */
  KEY_INVALID: Partial<OfFile>
  /** The store was created with a different key. */
  KEY_MISMATCH: Partial<OfFile & OfStore>
  /** The key file is missing, but the store was created with one. */
  KEY_MISSING: OfFile
  /** No purge handler is registered. */
  NO_HANDLERS: NoFacts
  /** The server cannot listen on the given host and port. */
  PORT_UNAVAILABLE: {
    /** The host it was told to listen on. */
    readonly host: string
    /** The port it was told to listen on. */
    readonly port: number
  }
  /** The registration cannot be used. */
  REGISTRATION_INVALID: Partial<OfFile> & {
    /** The property that is wrong, such as `namespaces.users`. */
    readonly property?: string
    /** The line of the file, from 1. */
    readonly line?: number
  }
  /** The registration cannot be read. */
  REGISTRATION_MISSING: OfFile
  /** Another process is working on this request. */
  REQUEST_TAKEN: {
    /** The request that another process works on. */
    readonly requestId: string
  }
  /** No open request has this id. */
  REQUEST_UNKNOWN: NoFacts
  /** A sealed value cannot be opened. */
  SEAL_BROKEN: NoFacts
  /** The database is damaged. */
  STORE_CORRUPT: OfStore
  /** The database role lacks a right that the store needs. */
  STORE_FORBIDDEN: OfStore
  /** The database belongs to another program, or to a newer version of this one. */
  STORE_FOREIGN: OfStore
  /** Another process has the database open. */
  STORE_LOCKED: OfStore
  /** There is no database to read. */
  STORE_MISSING: OfStore
  /** A connection pooler shares sessions between clients. */
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

/** The code of an error: what happened, for programs. */
export type ErasureErrorCode = keyof ErasureErrorFacts

/** An error of this package whose code is one of `Code`, with its facts as properties. */
export type ErasureErrorOf<Code extends ErasureErrorCode> = Code extends ErasureErrorCode
  ? Error & {
      /** Always `ErasureError`. */
      readonly name: 'ErasureError'
      /** What happened, for programs. */
      readonly code: Code
    } & Readonly<ErasureErrorFacts[Code]>
  : never

/**
 * An error of this package: what is wrong, where, and what to do about it. `code` tells the errors
 * apart, and narrows the type to the facts: after `error.code === 'KEY_EXPOSED'` there is
 * `error.file`. An error never contains a token or a user ID.
 */
export type ErasureError = ErasureErrorOf<ErasureErrorCode>

/** The facts of a code, and the underlying error, if there was one. */
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

/** Marks our errors, including those of another copy of this package in the same process. */
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
 * Makes an {@link ErasureError} from a code, a message for people (what happened, where, and what
 * to do) and the facts of the code. `instanceof` also recognises errors of another copy.
 */
export const ErasureError: ErasureErrorConstructor =
  CodedError as unknown as ErasureErrorConstructor

/**
 * Whether `error` is one of ours and, if a code is given, has that code. Errors of another copy of
 * this package count too: a bridge and one of its libraries may each bring a copy.
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
 * own, where errors from Node's own modules are not `instanceof Error`.
 */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value)
}
