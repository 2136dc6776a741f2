import type { MatrixErrorBody } from './errcode.ts'
import { isUserId, type UserId } from './user-id.ts'

/** What a request body holds: a user ID, or the error to answer with. */
export type EraseBody = { readonly userId: UserId } | MatrixErrorBody

/** Strings, and the punctuation that decides what a string is, of a text known to be JSON. */
const JSON_TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs

/**
 * Reads `{"user_id": "@bob:example.org"}`, the body of an MSC2438 erasure request.
 * Other properties are ignored; `user_id` given twice is refused, since two readers of
 * such a body may see two people.
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/2438
 */
export function parseEraseBody(text: string): EraseBody {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return { errcode: 'M_NOT_JSON', error: 'The request body is not JSON' }
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { errcode: 'M_BAD_JSON', error: 'The request body must be a JSON object' }
  }
  if (!Object.hasOwn(body, 'user_id')) {
    return { errcode: 'M_MISSING_PARAM', error: 'The property user_id is missing' }
  }
  if (countKey(text, 'user_id') > 1) {
    return {
      errcode: 'M_BAD_JSON',
      error: 'The property user_id is given more than once',
    }
  }
  return readUserId((body as { user_id: unknown }).user_id)
}

function readUserId(value: unknown): EraseBody {
  if (typeof value !== 'string') {
    return { errcode: 'M_BAD_JSON', error: 'The property user_id must be a string' }
  }
  if (!isUserId(value)) {
    return { errcode: 'M_INVALID_PARAM', error: 'The property user_id is not a user ID' }
  }
  return { userId: value }
}

/** How often `key` names a property of the outermost object; `JSON.parse` keeps only the last. */
function countKey(json: string, key: string): number {
  // Only \u can spell a key in another way; without it, one occurrence is one key at most.
  if (!json.includes('\\u') && json.indexOf(key) === json.lastIndexOf(key)) return 1
  let depth = 0
  let count = 0
  let last = ''
  for (const [token] of json.matchAll(JSON_TOKENS)) {
    if (token === '{' || token === '[') depth += 1
    else if (token === '}' || token === ']') depth -= 1
    else if (token === ':' && depth === 1 && JSON.parse(last) === key) count += 1
    last = token
  }
  return count
}
