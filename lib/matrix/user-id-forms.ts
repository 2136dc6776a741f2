import { createHash } from 'node:crypto'

import { localpartOf, type UserId } from './user-id.ts'

/** What stands in a log line where a user was. */
const REDACTED = '[user]'

/** Anything that looks like a user ID, whoever it belongs to. */
const ANY_USER_ID =
  /@[^\s@:"'<>\\]{0,255}:(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(?::\d{1,5})?/g

/** Unsalted hashes are no disguise: all known user IDs can be tried in seconds. */
const HASHES = ['sha256', 'sha1', 'md5'] as const

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
    { form: 'escape', text: userId.replace('@', String.raw`\u0040`) },
    { form: 'url', text: encodeURIComponent(userId) },
    { form: 'url', text: encodeURI(userId) },
    { form: 'bridge', text: bridgeEscaped(userId) },
    { form: 'hex', text: Buffer.from(userId).toString('hex') },
    ...base64Forms(userId).map(text => ({ form: 'base64' as const, text })),
    ...HASHES.flatMap(algorithm => hashForms(userId, algorithm)),
  ]
}

/**
 * Makes the function that takes every form of `userId`, and anything else that looks like a
 * user ID, out of a text. Without a user ID, only the latter. The localpart alone goes too,
 * where it stands as a word of its own.
 */
export function createRedactor(userId?: UserId): (text: string) => string {
  if (userId === undefined) return text => text.replace(ANY_USER_ID, REDACTED)
  let pattern: RegExp | undefined
  // Made when it is first needed: most handlers write no line, and it costs more than a purge step.
  return text => {
    pattern ??= createPattern(userId)
    return text.replace(pattern, REDACTED).replace(ANY_USER_ID, REDACTED)
  }
}

function createPattern(userId: UserId): RegExp {
  const forms = new Set(userIdForms(userId).map(({ text }) => text))
  // Longest first: of two alternatives a pattern takes the one that stands first.
  const texts = [...forms].toSorted((a, b) => b.length - a.length).map(escapeRegExp)
  const localpart = escapeRegExp(localpartOf(userId))
  const word = localpart && `|(?<![\\p{L}\\p{N}])${localpart}(?![\\p{L}\\p{N}])`
  return new RegExp(texts.join('|') + word, 'giu')
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

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
}
