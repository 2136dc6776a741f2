/** An answer, as strictly as HTTP has it. */
export interface ReadAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** Its body is announced but not sent: the answer to HEAD. */
  readonly isBare: boolean
}

/** What a server sent: whole answers, and what is behind them. */
export interface ReadAnswers {
  readonly answers: readonly ReadAnswer[]
  readonly rest: string
  /** Why the bytes are not a sequence of answers. */
  readonly problem?: string
}

const HEAD = /^HTTP\/1\.1 (\d{3}) ([ -~]*)\r\n((?:[\w-]+: ?[ -~]*\r\n)*)\r\n/

/**
 * Reads all that a server sent on one connection as a sequence of answers.
 *
 * @param isEnded - nothing more comes, so that a body without a length is at its end
 */
export function readAnswers(bytes: Buffer, isEnded: boolean): ReadAnswers {
  const answers: ReadAnswer[] = []
  let rest = bytes.toString('latin1')
  while (rest !== '') {
    const head = HEAD.exec(rest)
    if (head === null) {
      const problem = 'an answer is malformed or cut off'
      return isEnded || rest.includes('\r\n\r\n')
        ? { answers, rest, problem }
        : { answers, rest }
    }
    const [whole, status, , lines = ''] = head
    const headers = readHeaders(lines)
    if (headers === undefined) return { answers, rest, problem: 'a header is sent twice' }
    const behind = rest.slice(whole.length)
    const read = readBody(Number(status), headers, behind)
    if (typeof read === 'string') return { answers, rest, problem: read }
    if (read === undefined) {
      return isEnded ? { answers, rest, problem: 'a body is cut off' } : { answers, rest }
    }
    answers.push({ status: Number(status), headers, ...read })
    rest = behind.slice(read.isBare ? 0 : read.lengthBytes)
  }
  return { answers, rest }
}

function readHeaders(lines: string): Map<string, string> | undefined {
  const headers = new Map<string, string>()
  for (const line of lines.split('\r\n').slice(0, -1)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    if (headers.has(name)) return undefined
    headers.set(name, line.slice(colon + 1).trim())
  }
  return headers
}

interface ReadBody {
  readonly body: string
  readonly isBare: boolean
  readonly lengthBytes: number
}

function readBody(
  status: number,
  headers: ReadonlyMap<string, string>,
  behind: string,
): ReadBody | string | undefined {
  const none = { body: '', isBare: false, lengthBytes: 0 }
  if (status < 200 || status === 204 || status === 304) return none
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(behind)
  const length = headers.get('content-length')
  if (length === undefined) return { ...none, body: behind, lengthBytes: behind.length }
  if (!/^\d+$/.test(length)) return 'content-length is not a number'
  // No body of an answer begins like an answer.
  if (behind === '' || behind.startsWith('HTTP/1.1 '))
    return { ...none, isBare: length !== '0' }
  if (behind.length < Number(length)) return undefined
  return { ...none, body: behind.slice(0, Number(length)), lengthBytes: Number(length) }
}

function readChunks(behind: string): ReadBody | string | undefined {
  let at = 0
  let body = ''
  for (;;) {
    const line = /^([\da-f]+)\r\n/.exec(behind.slice(at))
    if (line === null) return behind.length - at > 10 ? 'a chunk is malformed' : undefined
    const size = Number.parseInt(line[1] ?? '', 16)
    const start = at + line[0].length
    if (behind.length < start + size + 2) return undefined
    body += behind.slice(start, start + size)
    at = start + size + 2
    if (size === 0) return { body, isBare: false, lengthBytes: at }
  }
}
