import { createHash } from 'node:crypto'

import { localpartOf, type UserId } from './user-id.ts'

/** Unsalted hashes are no disguise: all known user IDs can be tried in seconds. */
const HASHES = ['sha512', 'sha256', 'sha1', 'md5'] as const

/** How programs write the `@` of a user ID where they escape nothing else of it. */
const AT_SIGNS = [
  String.raw`\u0040`,
  String.raw`\x40`,
  '&#64;',
  '&#x40;',
  '&commat;',
] as const

/** A disguise in which a user ID turns up in text. */
export interface UserIdForm {
  /** Which disguise. */
  readonly form:
    | 'raw'
    | 'json'
    | 'escape'
    | 'url'
    | 'bridge'
    | 'hex'
    | 'base64'
    | 'sha512'
    | 'sha256'
    | 'sha1'
    | 'md5'
  /** What it looks like. */
  readonly text: string
}

/** The disguises in which a user ID turns up in text. Each is to be looked for in any case. */
export function userIdForms(userId: UserId): UserIdForm[] {
  return [
    { form: 'raw', text: userId },
    { form: 'json', text: JSON.stringify(userId).slice(1, -1) },
    { form: 'json', text: userId.replaceAll('/', String.raw`\/`) },
    ...AT_SIGNS.map(at => ({ form: 'escape' as const, text: userId.replace('@', at) })),
    { form: 'url', text: encodeURIComponent(userId) },
    { form: 'url', text: encodeURI(userId) },
    // Python's quote with safe=":", and with safe=":/+".
    { form: 'url', text: encodeURIComponent(userId).replaceAll('%3A', ':') },
    { form: 'url', text: userId.replace('@', '%40') },
    { form: 'url', text: encodeURIComponent(encodeURIComponent(userId)) },
    { form: 'bridge', text: bridgeEscaped(userId) },
    { form: 'hex', text: Buffer.from(userId).toString('hex') },
    { form: 'hex', text: Buffer.from(userId, 'utf16le').toString('hex') },
    { form: 'hex', text: Buffer.from(userId, 'utf16le').swap16().toString('hex') },
    ...base64Forms(userId).map(text => ({ form: 'base64' as const, text })),
    ...HASHES.flatMap(algorithm => hashForms(userId, algorithm)),
  ]
}

/**
 * What matrix-appservice-bridge's `MatrixUser` makes of a user ID: localpart characters
 * outside its set become `=` and their first UTF-16 unit in hex. Its stores hold this form.
 */
function bridgeEscaped(userId: UserId): string {
  const localpart = localpartOf(userId)
  const escaped = localpart.replace(
    /[^A-Za-z0-9\-.=_]/gu,
    char => `=${char.charCodeAt(0).toString(16)}`,
  )
  return `@${escaped}${userId.slice(1 + localpart.length)}`
}

/**
 * Base64 of a text inside a longer one depends on where it starts, so there are three
 * alignments; the first and last characters mix with the neighbours' bits and are left out.
 */
function base64Forms(userId: UserId): string[] {
  const aligned = [0, 1, 2].map(offset => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(userId)])
    const text = bytes.toString('base64url')
    const wholeFrom = Math.ceil((offset * 8) / 6)
    const wholeTo = Math.floor((bytes.length * 8) / 6)
    return text.slice(wholeFrom, wholeTo)
  })
  return aligned.flatMap(text => [text, text.replaceAll('-', '+').replaceAll('_', '/')])
}

function hashForms(userId: UserId, form: (typeof HASHES)[number]): UserIdForm[] {
  const digest = createHash(form).update(userId).digest()
  return [
    { form, text: digest.toString('hex') },
    { form, text: digest.toString('base64url') },
    { form, text: digest.toString('base64').replace(/=+$/, '') },
  ]
}
