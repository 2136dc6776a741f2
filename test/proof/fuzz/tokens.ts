import type { Random } from '../../support/seeded-random.ts'
import { canary } from './canary.ts'

/** What the server under test takes for the homeserver's token: of mixed case, on purpose. */
export const FUZZ_TOKEN = 'Right-token_of~the.Fuzzer+77'

/** The tokens of one request, and how the table takes them. */
export interface SentToken {
  readonly headers: readonly string[]
  /** Parts of the query, encoded. */
  readonly query: readonly string[]
  readonly verdict: 'right' | 'missing' | 'wrong'
}

const QUERY_TOKEN = encodeURIComponent(FUZZ_TOKEN)

/** A token in a place where it counts. */
export function rightToken(random: Random): SentToken {
  const header = () => {
    const scheme = random.pick(['Bearer', 'bearer', 'BEARER', 'bEaReR'])
    const before = random.pick(['', ' ', '   ', '\t'])
    const between = ' '.repeat(random.pick([1, 1, 1, 5]))
    const name = random.pick(['Authorization', 'authorization', 'AUTHORIZATION'])
    const after = random.pick(['', '', ' ', ' \t '])
    return `${name}:${before}${scheme}${between}${FUZZ_TOKEN}${after}`
  }
  const query = () => `access_token=${random.chance(0.5) ? QUERY_TOKEN : escaped(random)}`
  const [headers, parts] = random.weighted([
    [4, [[header()], []]],
    [2, [[], [query()]]],
    [2, [[header()], [query()]]],
    [1, [[`Authorization: Basic ${canary(random)}`], [query()]]],
  ] as const)
  return { headers, query: parts, verdict: 'right' }
}

/** The right token, all or some of it percent-encoded. */
function escaped(random: Random): string {
  const hex = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`
  const letters = FUZZ_TOKEN.split('').map(letter =>
    random.chance(0.5) || letter === '+' ? hex(letter) : letter,
  )
  return letters.join('')
}

/** No token, a wrong one, or the right one where it does not count. */
export function badToken(random: Random): SentToken {
  const wrong = nearly(random)
  const right = FUZZ_TOKEN
  const [verdict, headers, query = []] = random.pick<
    readonly [SentToken['verdict'], readonly string[], (readonly string[])?]
  >([
    ['missing', []],
    ['missing', [`Authorization: Basic ${right}`]],
    ['missing', [`Authorization: ${right}`]],
    ['missing', ['Authorization: Bearer']],
    ['missing', ['Authorization:']],
    ['missing', [`Authorization: Bearer\t${right}`]],
    ['missing', [`Authorization: Bearer:${right}`]],
    ['missing', [`Authorization: 1234567${right}`]],
    ['missing', [`Authorization: "Bearer ${right}"`]],
    ['missing', [`X-Authorization: Bearer ${right}`]],
    ['missing', [`Proxy-Authorization: Bearer ${right}`]],
    ['missing', [`Authorization_: Bearer ${right}`]],
    ['missing', [`Cookie: access_token=${right}`]],
    ['missing', [], [`Access_Token=${QUERY_TOKEN}`]],
    ['missing', [], [`access_token[]=${QUERY_TOKEN}`]],
    ['missing', [], [`x=1;access_token=${QUERY_TOKEN}`]],
    ['wrong', [`Authorization: Bearer ${wrong}`]],
    ['wrong', [`Authorization: Bearer ${right}, Bearer ${right}`]],
    ['wrong', [`Authorization: Bearer "${right}"`]],
    ['wrong', [`Authorization: Bearer ${QUERY_TOKEN}`]],
    ['wrong', [`Authorization: Bearer \t${right}`]],
    ['wrong', [`Authorization: Bearer ${right}`, `Authorization: Bearer ${right}`]],
    ['wrong', [`Authorization: Bearer ${right}`, `authorization: Bearer ${wrong}`]],
    ['wrong', [`Authorization: Bearer ${wrong}`, `AUTHORIZATION: Bearer ${right}`]],
    ['wrong', ['Authorization:', `Authorization: Bearer ${right}`]],
    ['wrong', [`Authorization: Bearer ${right}`], [`access_token=${wrong}`]],
    ['wrong', [`Authorization: Bearer ${wrong}`], [`access_token=${QUERY_TOKEN}`]],
    ['wrong', [`Authorization: Bearer ${right}`], ['access_token=']],
    ['wrong', [], [`access_token=${wrong}`]],
    ['wrong', [], [`access_token=${QUERY_TOKEN}`, `access_token=${QUERY_TOKEN}`]],
    ['wrong', [], [`access_token=${QUERY_TOKEN}`, 'access_token']],
    ['wrong', [], [`access_token=${FUZZ_TOKEN}`]],
    ['wrong', [], [`%61ccess_token=${wrong}`]],
  ])
  return { headers, query, verdict }
}

/** Something like the right token, which it is not. */
function nearly(random: Random): string {
  const at = random.int(0, FUZZ_TOKEN.length - 1)
  return random.pick([
    canary(random),
    `${FUZZ_TOKEN}x`,
    FUZZ_TOKEN.slice(0, -1),
    FUZZ_TOKEN.slice(1),
    FUZZ_TOKEN.toLowerCase(),
    FUZZ_TOKEN.toUpperCase(),
    `${FUZZ_TOKEN.slice(0, at)}!${FUZZ_TOKEN.slice(at + 1)}`,
    FUZZ_TOKEN.repeat(random.int(2, 100)),
    canary(random).repeat(random.int(1, 300)),
    'undefined',
    'null',
    '*',
  ])
}

const IN_HEADER = /(?:^|[\r\n])authorization:[ \t]*bearer +([^\r\n]*)/gi
const IN_QUERY = /[?&]access_token=([^&\s]*)/g

/**
 * Whether the right token stands anywhere in these bytes where it would count, if what is around
 * it were a request. If not, nothing on the connection may be answered 2xx.
 */
export function mayAuthenticate(bytes: Buffer): boolean {
  const text = bytes.toString('latin1')
  const inHeaders = [...text.matchAll(IN_HEADER)].map(([, token]) => token?.trim())
  if (inHeaders.includes(FUZZ_TOKEN)) return true
  const inQueries = [...text.matchAll(IN_QUERY)].map(([, token]) => decode(token ?? ''))
  return inQueries.includes(FUZZ_TOKEN)
}

function decode(value: string): string {
  return value
    .replaceAll('+', ' ')
    .replace(/%([\da-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
}
