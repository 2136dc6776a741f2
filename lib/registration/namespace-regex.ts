import { RE2JS, RE2JSSyntaxException } from 're2js'

/** An escape, the beginning of a class, a repetition without a lower bound, or any character. */
const TOKEN = /\\(?:u[0-9A-Fa-f]{4}|[^])|\[\^?\]?|\{,\d+\}|[^]/gu
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\p{Z}'
/** What these match in Python, where RE2 knows only ASCII: outside of a class, and in one. */
const UNICODE: Readonly<Record<string, readonly [alone: string, inClass: string]>> = {
  '\\w': ['[\\p{L}\\p{N}_]', '\\p{L}\\p{N}_'],
  '\\W': ['[^\\p{L}\\p{N}_]', '\\W'],
  '\\d': ['\\p{Nd}', '\\p{Nd}'],
  '\\D': ['\\P{Nd}', '\\P{Nd}'],
  '\\s': [`[${SPACE}]`, SPACE],
  '\\S': [`[^${SPACE}]`, '\\S'],
}
/** A longer construct may spell out a user ID. */
const SHORT = /^.{1,4}$/

/**
 * Compiles the regex of a namespace as homeservers read it: Synapse with Python's `re.match`,
 * Dendrite with Go's `regexp`. Both anchor it at its beginning only. Matching takes time linear in
 * the length of the user ID, whatever the regex, since users choose their IDs.
 *
 * Constructs that need backtracking do not compile: lookaround, backreferences, atomic groups and
 * possessive repetitions. Go does not accept them either. Where Python and Go still differ, outside
 * ASCII, `\b`, `[\W]` and `[\S]` follow Go, and so does `(?i)` with the Turkish i.
 *
 * @throws RangeError saying what is wrong, without repeating the regex
 */
export function compileNamespaceRegex(regex: string): (userId: string) => boolean {
  try {
    const compiled = RE2JS.compile(fromPython(regex))
    return userId => compiled.matcher(userId).lookingAt()
  } catch (error) {
    throw new RangeError(explain(error))
  }
}

/** Rewrites what Python and RE2 both take, and read differently. */
function fromPython(regex: string): string {
  let isInClass = false
  return regex.replace(TOKEN, token => {
    if (token.startsWith('\\u')) return `\\x{${token.slice(2)}}`
    if (isInClass) {
      if (/^(?:\[\^?)?\]$/.test(token)) isInClass = false
      return UNICODE[token]?.[1] ?? token
    }
    if (token.startsWith('[')) isInClass = true
    if (token.startsWith('{,')) return token.replace('{', '{0')
    return token === '\\Z' ? '\\z' : (UNICODE[token]?.[0] ?? token)
  })
}

function explain(error: unknown): string {
  if (!(error instanceof RE2JSSyntaxException)) return 'the regex does not compile'
  const construct = error.getPattern() ?? ''
  const shown = SHORT.test(construct) ? ` \`${construct}\`` : ''
  return `the regex does not compile: ${error.getDescription()}${shown}; lookaround, backreferences, atomic groups and possessive repetitions are not supported`
}
