/** The standard errcodes this package answers with. None of its own. */
export type Errcode =
  | 'M_BAD_JSON'
  | 'M_FORBIDDEN'
  | 'M_INVALID_PARAM'
  | 'M_MISSING_PARAM'
  | 'M_MISSING_TOKEN'
  | 'M_NOT_JSON'
  | 'M_TOO_LARGE'
  | 'M_UNKNOWN'
  | 'M_UNRECOGNIZED'

/** A standard error response, as it goes over the wire. `error` never repeats input. */
export interface MatrixErrorBody {
  readonly errcode: Errcode
  readonly error: string
}
