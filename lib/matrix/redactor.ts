import { anyEscape, UNSEEN } from './escaped-text.ts'
import { localpartOf, serverNameOf, type UserId } from './user-id.ts'
import { userIdForms } from './user-id-forms.ts'

/** What stands in a log line where a user was. */
const REDACTED = '[user]'

/** Anything that looks like a user ID, of any user, with `@` and `:` in any escaping. */
const ANY_USER_ID = new RegExp(
  String.raw`(?:[@＠]|%(?:25){0,4}40|\\{1,15}(?:x|u00)40|&(?:amp;){0,4}(?:#0{0,6}64|#x0{0,6}40|commat);)` +
    String.raw`(?:[^\s@:"'<>\\]|\\{1,15}u[\da-f]{4}){0,255}?` +
    String.raw`(?::|%(?:25){0,4}3A|\\{1,15}(?:x|u00)3a|&(?:amp;){0,4}(?:#0{0,6}58|#x0{0,6}3a|colon);)` +
    String.raw`(?:(?:\[|%5B)[\da-f:.]+(?:\]|%5D)|[\da-z.-]+)(?:(?::|%3A)\d{1,5})?`,
  'giu',
)
/** Without any of these, nothing in a text is escaped, or broken by what does not show. */
const ESCAPED = /[%=][\da-f]{2}|\\|&|\p{Cc}|\P{ASCII}/iu
/** Bytes one by one, as a `Buffer` or a typed array is printed. */
const BYTES = /(?:(?:0x)?[\da-f]{2,3}[\s,:-]{1,3}){4}/i
const IN_WORD_BEFORE = /[\p{L}\p{N}]$/u
const IN_WORD_AFTER = /^[\p{L}\p{N}]/u
/** An escape that ends in a letter or digit is the end of a word all the same. */
const ESCAPE_BEFORE = /(?:\\[bfnrt]|%[\da-f]{2}|\\u[\da-f]{4}|\\x[\da-f]{2})$/i
const LONGEST_ESCAPE = 6
/** How much of a digest is enough to recognise it, because programs shorten them. */
const DIGEST_CHARACTERS = 8

/** A part of a text: from, and up to. */
type Range = readonly [from: number, to: number]

/**
 * Makes a function that removes every form of `userId`, and anything else that looks like a user ID,
 * from a text; without `userId`, only the latter. It also removes the localpart alone, if it is a word
 * of its own.
 *
 * It knows the forms of {@link userIdForms}, digests cut short, and every mix of the escapes of
 * {@link anyEscape}. What it cannot know: a user ID in two texts, backwards, encrypted, or
 * hashed together with something else.
 */
export function createRedactor(userId?: UserId): (text: string) => string {
  const finder = userId === undefined ? undefined : new Finder(userId)
  return text => {
    const rest = finder === undefined ? text : cutOut(text, finder.find(text))
    return rest.replace(ANY_USER_ID, REDACTED)
  }
}

function cutOut(text: string, ranges: readonly Range[]): string {
  let result = ''
  let end = 0
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (from >= end) result += text.slice(end, from) + REDACTED
    end = Math.max(end, to)
  }
  return result + text.slice(end)
}

/** Finds one user. Patterns are made when a text first gives reason to: they cost milliseconds. */
class Finder {
  readonly #userId: UserId
  readonly #localpart: string
  #escaped: RegExp | undefined
  #bytes: RegExp | undefined
  #words: Array<{ readonly text: string; readonly isDigest: boolean }> | undefined

  constructor(userId: UserId) {
    this.#userId = userId
    this.#localpart = localpartOf(userId).toLowerCase()
  }

  find(text: string): Range[] {
    const found: Range[] = []
    // A localpart that is empty is only looked for with the rest.
    const mayBePlain = this.#localpart
      ? text.toLowerCase().includes(this.#localpart)
      : text.includes('@')
    if (mayBePlain || ESCAPED.test(text)) found.push(...this.#findEscaped(text))
    found.push(...this.#findWords(text))
    if (BYTES.test(text)) {
      this.#bytes ??= bytesPattern(this.#userId)
      for (const { index, 0: match } of text.matchAll(this.#bytes))
        found.push([index, index + match.length])
    }
    return found
  }

  #findEscaped(text: string): Range[] {
    this.#escaped ??= escapedPattern(this.#userId)
    const found: Range[] = []
    const pattern = this.#escaped
    for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
      const [whole, at, server] = match
      const end = match.index + whole.length
      const isFound =
        (at !== undefined || beginsWord(text, match.index)) &&
        (server !== undefined || !IN_WORD_AFTER.test(text.slice(end, end + 2)))
      if (isFound) found.push([match.index, end])
      else pattern.lastIndex = match.index + 1
    }
    return found
  }

  #findWords(text: string): Range[] {
    this.#words ??= wordsOf(this.#userId)
    // `toLowerCase` would change the length of some texts.
    const folded = text.replace(/[A-Z]+/g, letters => letters.toLowerCase())
    return this.#words.flatMap(({ text: word, isDigest }) => {
      const found: Range[] = []
      for (let at = folded.indexOf(word); at !== -1; at = folded.indexOf(word, at + 1)) {
        const rest = isDigest ? /^[\w+/=-]*/.exec(text.slice(at + word.length)) : null
        found.push([at, at + word.length + (rest?.[0].length ?? 0)])
      }
      return found
    })
  }
}

function beginsWord(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - LONGEST_ESCAPE), at)
  return !IN_WORD_BEFORE.test(before) || ESCAPE_BEFORE.test(before)
}

/** The user ID, or its localpart with or without what stands around it. */
function escapedPattern(userId: UserId): RegExp {
  const at = anyEscape('@') + UNSEEN
  const localpart = anyEscape(localpartOf(userId))
  const server = UNSEEN + anyEscape(`:${serverNameOf(userId)}`)
  const source =
    localpart === '' ? `(${at})(${server})` : `(${at})?${localpart}(${server})?`
  return new RegExp(source, 'giu')
}

function bytesPattern(userId: UserId): RegExp {
  const bytes = Array.from(Buffer.from(userId))
  const hex = bytes.map(byte => byte.toString(16).padStart(2, '0'))
  const separated = hex.join(String.raw`[\s,:-]{1,3}(?:0x)?`)
  return new RegExp(
    String.raw`${separated}|(?<!\d)${bytes.join(String.raw`,\s{0,3}`)}(?!\d)`,
    'gi',
  )
}

function wordsOf(userId: UserId): Array<{ text: string; isDigest: boolean }> {
  return userIdForms(userId)
    .filter(({ form }) => /^(?:hex|base64|sha|md5)/.test(form))
    .map(({ form, text }) => {
      const isDigest = /^(?:sha|md5)/.test(form)
      const known = isDigest ? text.slice(0, DIGEST_CHARACTERS) : text
      return { text: known.toLowerCase(), isDigest }
    })
}
