/**
 * Every error this package throws at run time carries one of these codes; match on `code`,
 * never on the message. docs/errors.md says for each what it means and what to do.
 */
export type ErasureErrorCode =
  | 'ALLOW_FAILED'
  | 'ALREADY_ATTACHED'
  | 'ALREADY_STARTED'
  | 'BRIDGE_UNSUPPORTED'
  | 'CLOSED'
  | 'HANDLER_NAME_TAKEN'
  | 'HANDLER_ORDER'
  | 'KEY_EXPOSED'
  | 'KEY_INVALID'
  | 'KEY_MISMATCH'
  | 'KEY_MISSING'
  | 'NO_HANDLERS'
  | 'REGISTRATION_INVALID'
  | 'REGISTRATION_MISSING'
  | 'REQUEST_TAKEN'
  | 'REQUEST_UNKNOWN'
  | 'SEAL_BROKEN'
  | 'STORE_CORRUPT'
  | 'STORE_FOREIGN'
  | 'STORE_LOCKED'
  | 'STORE_MISSING'
  | 'STORE_UNREADABLE'
  | 'STORE_UNWRITABLE'
  | 'STORE_VOLATILE'
  | 'USER_ID_INVALID'
  | 'USER_REFUSED'

/**
 * An error of this package: what was wrong, where, and what to do about it.
 * Neither `message` nor `cause` ever holds a token or a user ID.
 */
export class ErasureError extends Error {
  /** What happened, for programs. */
  readonly code: ErasureErrorCode

  /**
   * @param code - what happened, for programs
   * @param message - what happened, where, and the way out, for people
   * @param cause - the error of the file system or database beneath, if there was one
   */
  constructor(code: ErasureErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }

  /** Always `ErasureError`. */
  override get name(): 'ErasureError' {
    return 'ErasureError'
  }
}

/** Whether `error` is one of ours, with this code if one is given. */
export function isErasureError(
  error: unknown,
  code?: ErasureErrorCode,
): error is ErasureError {
  return error instanceof ErasureError && (code === undefined || error.code === code)
}
