/** HTML's names of ASCII punctuation: each character, and its name. */
const ASCII_ENTITIES = new Map(
  `!excl "quot #num $dollar %percnt &amp 'apos (lpar )rpar *ast +plus ,comma .period /sol :colon ;semi
  <lt =equals >gt ?quest @commat [lsqb \\bsol ]rsqb ^Hat _lowbar \`grave {lcub |verbar }rcub`
    .split(/\s+/)
    .map(pair => [pair.charAt(0), pair.slice(1)]),
)
/** HTML's names of U+00A0 to U+00FF, in their order. */
const LATIN_1_ENTITIES =
  `nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr
  deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest
  Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml
  ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig
  agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml
  eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml`.split(
    /\s+/,
  )
/** JSON in JSON in JSON in JSON. Bounded, or a text of nothing but backslashes takes long. */
const SLASHES = String.raw`\\{1,15}`
const ZEROS = '0{0,6}'
/** What does not show between two characters: colours, characters of no width, and ends of lines. */
export const UNSEEN: string = String.raw`(?:\x1b\[[\d;]{0,20}m|[\u00ad\u200b-\u200d\u2060\ufeff]|=?\r?\n){0,4}`

/**
 * The source of a pattern (flags `iu`) for `text` where each of its characters may be escaped on
 * its own, more than once, and otherwise than its neighbours: in percent or quoted-printable
 * encoding (`%40`, `%2540`, `=40`), as JSON, JavaScript or Python write it (`\u0040`, `\x40`,
 * `\\u{40}`), in HTML (`&#64;`, `&amp;#x40;`, `&commat;`), decomposed (NFD), or in full width.
 */
export function anyEscape(text: string): string {
  const spellings = new Set([text, text.normalize('NFC')])
  const patterns = Array.from(spellings, spelling =>
    Array.from(spelling, anyEscapeOf).join(UNSEEN),
  )
  return patterns.length === 1 ? patterns.join('') : `(?:${patterns.join('|')})`
}

/** Takes a text literally in a pattern with the flag `u`. */
function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
}

function anyEscapeOf(char: string): string {
  const code = char.codePointAt(0) ?? 0
  const hex = code.toString(16)
  const bytes = Array.from(Buffer.from(char), byte => byte.toString(16).padStart(2, '0'))
  const units = Array.from({ length: char.length }, (_, at) => char.charCodeAt(at))
  const escaped = [
    bytes.map(byte => `[%=](?:25|3D){0,4}${byte}`).join(''),
    bytes.map(byte => `${SLASHES}x${byte}`).join(''),
    `${SLASHES}u\\{?${ZEROS}${hex}\\}?`,
    `&(?:amp;){0,4}(?:#${ZEROS}${code}|#x${ZEROS}${hex}${entity(char, code)});?`,
  ]
  if (units.length > 1) {
    escaped.push(units.map(unit => `${SLASHES}u${unit.toString(16)}`).join(''))
  }
  // matrix-appservice-bridge: the first UTF-16 unit.
  if (code > 0x7f) escaped.push(`=${(units[0] ?? 0).toString(16)}`)
  // What JSON writes as `\n` and the like.
  if (code < 0x20) escaped.push(`${SLASHES}${JSON.stringify(char).slice(2, -1)}`)
  // Last, because `\\u{75}` begins with an escaped `u`.
  escaped.push(`(?:${SLASHES})?(?:${plain(char, code).map(escapeRegExp).join('|')})`)
  return `(?:${escaped.join('|')})`
}

/** What a character is without any escape: in either case, composed or not, in full width. */
function plain(char: string, code: number): string[] {
  const forms = new Set([
    char,
    char.toUpperCase(),
    char.toLowerCase(),
    char.normalize('NFD'),
  ])
  if (code > 0x20 && code < 0x7f) forms.add(String.fromCodePoint(code + 0xfee0))
  return [...forms]
}

function entity(char: string, code: number): string {
  const name = ASCII_ENTITIES.get(char) ?? LATIN_1_ENTITIES[code - 0xa0]
  return name === undefined ? '' : `|${name}`
}
