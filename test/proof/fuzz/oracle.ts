import type { Exchange } from './client.ts'
import type { Connection } from './connection.ts'
import { CANARY } from './canary.ts'
import { type ReadAnswer, readAnswers } from './read-answers.ts'
import type { TableAnswer } from './table.ts'
import type { Place } from './targets.ts'

/** What is behind the port. */
export type DoorKind = 'own' | 'bridge'

/** What the bridge's own answers carry, set by the program that serves it. */
export const BRIDGE_MARK = 'x-answered-by-the-bridge'

/** What was made of the answers on one connection. */
export interface Judgement {
  readonly problems: readonly string[]
  /** As in the table; the bridge's own and Node's own aside. */
  readonly answers: readonly TableAnswer[]
  /** The `error` of each. */
  readonly sentences: readonly string[]
  /** Who was answered 200, and so has to be erased. */
  readonly promised: readonly string[]
}

/** Every header an answer of ours may have. */
const HEADERS: Readonly<Record<string, RegExp>> = {
  'content-type': /^application\/json(; charset=utf-8)?$/,
  'content-length': /^[1-9]\d{0,2}$/,
  connection: /^(close|keep-alive)$/,
  'keep-alive': /^timeout=\d+$/,
  date: /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
  allow: /^(POST|PUT)$/,
  'retry-after': /^30$/,
}
/** After these the connection is closed, says docs/protocol.md. */
const CLOSING = new Set([
  '400 M_UNKNOWN',
  '408 M_UNKNOWN',
  '413 M_TOO_LARGE',
  '431 M_TOO_LARGE',
])

/** Holds what was answered on a connection against the table and against what was sent. */
export function judge(
  connection: Connection,
  { received, ending }: Exchange,
  door: DoorKind,
  table: ReadonlySet<TableAnswer>,
): Judgement {
  const isEnded = ending === 'closed' && !connection.isReset
  const { answers, problem } = readAnswers(received, isEnded)
  const final = answers.filter(({ status }) => status >= 200)
  const isOurs = (answer: ReadAnswer) =>
    door === 'own' || !(answer.headers.has(BRIDGE_MARK) || isBare(answer))
  const ours = final.filter(isOurs)
  // What Express makes of an expectation in a pipeline is not for us to judge.
  const isGarbled = problem !== undefined && ours.length < final.length
  const problems = [
    ...(problem === undefined || isGarbled ? [] : [problem]),
    ...(ending === 'stuck' ? ['the connection neither answers nor ends'] : []),
    ...ours.flatMap(answer => checkForm(answer, table)),
    ...checkInterim(connection, answers),
    ...checkCount(connection, final),
    ...checkOrder(connection, final, isOurs, door),
    ...checkToken(connection, ours),
    ...(isEnded && !isGarbled ? checkComplete(connection, final) : []),
  ]
  return {
    problems,
    answers: ours.map(spell),
    sentences: ours.flatMap(({ body }) => /"error":"([^"]*)"/.exec(body)?.[1] ?? []),
    promised: connection.sound.flatMap(({ erases }, at) => {
      const answer = final[at]
      return erases !== undefined && answer?.status === 200 && isOurs(answer)
        ? [erases]
        : []
    }),
  }
}

/** What Node's HTTP server says by itself, on a port that is the bridge's. */
function isBare({ status, headers, body }: ReadAnswer): boolean {
  const statuses = [400, 408, 413, 417, 431]
  return body === '' && !headers.has('content-type') && statuses.includes(status)
}

function spell({ status, body, isBare: hasNoBody }: ReadAnswer): TableAnswer {
  if (hasNoBody) return `${status} (HEAD)`
  return `${status} ${/"errcode":"([^"]*)"/.exec(body)?.[1] ?? body}`
}

function checkForm(answer: ReadAnswer, table: ReadonlySet<TableAnswer>): string[] {
  const problems: string[] = []
  for (const [name, value] of answer.headers) {
    if (HEADERS[name]?.test(value) !== true)
      problems.push(`the header ${name} is not one of ours, or not like this`)
  }
  for (const name of ['content-type', 'content-length'])
    if (!answer.headers.has(name)) problems.push(`${name} is missing`)
  const all = JSON.stringify([...answer.headers, answer.body]).toLowerCase()
  if (all.includes(CANARY)) problems.push('the answer repeats what was sent')
  const spelt = spell(answer)
  const isInTable = answer.isBare
    ? [...table].some(row => row.startsWith(`${answer.status} `))
    : table.has(spelt) && isMatrixBody(answer)
  if (!isInTable) problems.push(`${spelt} is not in the table`)
  if (CLOSING.has(spelt) && answer.headers.get('connection') !== 'close')
    problems.push(`the connection stays open after ${spelt}`)
  return problems
}

function isMatrixBody({ status, body }: ReadAnswer): boolean {
  if (status === 200) return body === '{}'
  return /^\{"errcode":"M_[A-Z_]+","error":"[ -!#-[\]-~]+"\}$/.test(body)
}

/** Besides answers, only `100 Continue` is sent, and only to who asked. */
function checkInterim({ bytes }: Connection, answers: readonly ReadAnswer[]): string[] {
  const interim = answers.filter(({ status }) => status < 200)
  const asked = bytes.toString('latin1').match(/expect/gi)?.length ?? 0
  const isFine = interim.length <= asked && interim.every(({ status }) => status === 100)
  return isFine ? [] : ['there are interim answers nobody asked for']
}

/** Each answer needs the version in a request line, but one about what is no request. */
function checkCount({ bytes }: Connection, final: readonly ReadAnswer[]): string[] {
  const most = (bytes.toString('latin1').match(/HTTP\/\d/gi)?.length ?? 0) + 1
  const problems = final.length > most ? ['there are more answers than requests'] : []
  const closing = final.findIndex(({ headers }) => headers.get('connection') === 'close')
  if (closing !== -1 && closing < final.length - 1)
    problems.push('there is an answer behind the one that closes the connection')
  return problems
}

function isReadByGuard(door: DoorKind, place: Place, { status }: ReadAnswer): boolean {
  return door === 'bridge' && place === 'transaction' && status === 400
}

/** As long as requests are well-formed, the answers are theirs, in their order. */
function checkOrder(
  { sound }: Connection,
  final: readonly ReadAnswer[],
  isOurs: (answer: ReadAnswer) => boolean,
  door: DoorKind,
): string[] {
  for (const [at, { answer = '', place, isHead }] of sound.entries()) {
    const given = final[at]
    if (given === undefined) break
    // Said by Node itself, out of turn, to something further down.
    if (!isOurs(given) && isBare(given)) break
    if (!isOurs(given)) {
      if (place === 'erase') return [`request ${at} is ours and was not answered by us`]
      continue
    }
    // The guard of a bridge reads transactions, which our own server drops unread.
    if (isReadByGuard(door, place, given)) continue
    // A client that has been too slow, which a busy machine makes any client.
    if (given.status === 408) break
    if (isHead !== given.isBare && sound.some(request => request.isHead))
      return [`the answer to request ${at} has a body, or has none`]
    if (spell(given) !== (isHead ? `${answer.slice(0, 3)} (HEAD)` : answer))
      return [`request ${at} was answered ${spell(given)} and not ${answer}`]
  }
  return []
}

function checkToken(connection: Connection, ours: readonly ReadAnswer[]): string[] {
  const isLetIn = ours.some(({ status }) => status < 300)
  return isLetIn && !connection.mayAuthenticate ? ['2xx without the right token'] : []
}

/** Where everything was well-formed, everything is answered, or the last answer says why not. */
function checkComplete(
  { isSound, sound }: Connection,
  final: readonly ReadAnswer[],
): string[] {
  if (!isSound || final.at(-1)?.headers.get('connection') === 'close') return []
  return final.length === sound.length
    ? []
    : [`${sound.length} well-formed requests got ${final.length} answers`]
}
