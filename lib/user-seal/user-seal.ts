import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'

import { ErasureError } from '../errors.ts'
import type { UserId } from '../matrix/user-id.ts'
import { createRandomBytes } from '../host/random-bytes.ts'

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const AUTH_TAG_BYTES = 16
/**
 * Before every sealed value: how it is sealed. Version 0.1 of this package wrote none, and `.` is no
 * letter of base64url, so that its values are told apart and open.
 */
const FORMAT = '1.'
const ANY_FORMAT = /^[0-9]+\./
/** Of SHA-256. */
const BLOCK_BYTES = 64
/** 128 bits: a chance of 1.5e-21 that two of a billion users share a tag. */
const TAG_BYTES = 16

declare const brand: unique symbol

/**
 * A user's keyed pseudonym. Only a user seal makes one: a user ID, or any other string, does not
 * have this type, so the compiler keeps user IDs out of keys and queues (promise 4).
 */
export type UserTag = string & {
  /** Only a type; there is no such property. */
  readonly [brand]: 'tag'
}

/** A text that only the key opens. Only a user seal makes it. */
export type Sealed = string & {
  /** Only a type; there is no such property. */
  readonly [brand]: 'sealed'
}

/**
 * How a user appears inside our files. Sub-keys for each purpose come from the one key by HKDF,
 * so that a tag can never be mistaken for, or joined with, anything else the key makes.
 */
export interface UserSeal {
  /** The user's pseudonym: equal for equal user IDs, meaningless without the key. */
  tag(userId: UserId): UserTag
  /** Encrypts `text` so that only this key and the same `binding` give it back. */
  seal(text: string, binding: string): Sealed
  /** @throws ErasureError `SEAL_BROKEN` if `sealed` was not sealed by this key for `binding` */
  unseal(sealed: Sealed, binding: string): string
  /** A value that tells keys apart without telling the key; kept in the store. */
  readonly keyCheck: string
}

/** Makes the seal of `key` (32 bytes). The key itself is not kept. */
export function createUserSeal(key: Uint8Array): UserSeal {
  const hmac = createHmacSha256(subKey(key, 'tag').export())
  const sealKey = subKey(key, 'seal')
  const nextNonce = createRandomBytes(NONCE_BYTES)
  return {
    tag: userId => hmac(userId).toString('base64url', 0, TAG_BYTES) as UserTag,
    seal: (text, binding) => seal(sealKey, nextNonce(), text, binding),
    unseal: (sealed, binding) => unseal(sealKey, sealed, binding),
    keyCheck: subKey(key, 'check').export().toString('base64url', 0, TAG_BYTES),
  }
}

function subKey(key: Uint8Array, purpose: string): KeyObject {
  const info = `matrix-appservice-erasure/v1/${purpose}`
  return createSecretKey(Buffer.from(hkdfSync('sha256', key, '', info, 32)))
}

/**
 * HMAC-SHA256 of two one-shot hashes: a quarter of the time of `createHmac`, whose native object
 * costs more than hashing twice, and `isErased` makes one per event. A test holds it equal.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2104
 */
function createHmacSha256(key: Buffer): (text: string) => Buffer {
  const pad = (byte: number) => {
    const block = Buffer.alloc(BLOCK_BYTES, byte)
    for (const [index, value] of key.entries()) block[index] = byte ^ value
    return block
  }
  const inner = pad(0x36)
  const outer = pad(0x5c)
  const digest = (prefix: Buffer, rest: Buffer) =>
    hash('sha256', Buffer.concat([prefix, rest]), 'buffer')
  return text => digest(outer, digest(inner, Buffer.from(text)))
}

function seal(key: KeyObject, nonce: Buffer, text: string, binding: string): Sealed {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: AUTH_TAG_BYTES })
  cipher.setAAD(Buffer.from(binding))
  const parts = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
  return (FORMAT + Buffer.concat(parts).toString('base64url')) as Sealed
}

function unseal(key: KeyObject, sealed: Sealed, binding: string): string {
  const format = ANY_FORMAT.exec(sealed)?.[0] ?? ''
  if (format !== '' && format !== FORMAT) {
    throw new ErasureError(
      'SEAL_BROKEN',
      'A value was sealed by a newer version of matrix-appservice-erasure; install that version',
    )
  }
  const bytes = Buffer.from(sealed.slice(format.length), 'base64url')
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const end = bytes.length - AUTH_TAG_BYTES
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, {
      authTagLength: AUTH_TAG_BYTES,
    })
    decipher.setAAD(Buffer.from(binding))
    decipher.setAuthTag(bytes.subarray(end))
    return (
      decipher.update(bytes.subarray(NONCE_BYTES, end), undefined, 'utf8') +
      decipher.final('utf8')
    )
  } catch {
    // OpenSSL's message says nothing more, and a cause might end up in a log.
    throw new ErasureError(
      'SEAL_BROKEN',
      'A sealed value does not open: the store was changed from outside or is damaged',
    )
  }
}
