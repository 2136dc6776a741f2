import { connect, type Socket } from 'node:net'

import { ERASE_PATHS } from '../../lib/doors/http/receive-erase.ts'
import { HS_TOKEN } from '../support/erasure.ts'

const DIGITS = 9
const ZERO = 0x30
const NINE = 0x39
const HEAD_END = '\r\n\r\n'

/** Is given every answer with the times around it, and says whether to send another request. */
type Take = (status: string, sentAt: number, now: number) => boolean

/**
 * Sends erasure requests over one connection, one at a time, until `take` says it is enough.
 *
 * @param name - goes into the user IDs; each request of the connection is for another user
 */
export function ask(port: number, name: string, take: Take): Promise<void> {
  const { bytes, digitsAt } = buildRequest(name)
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let sentAt = 0
  const next = () => {
    countUp(bytes, digitsAt)
    sentAt = performance.now()
    socket.write(bytes)
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.on('connect', next).on('error', reject)
  socket.on('close', () => reject(new Error('The server closed a connection')))
  onAnswer(socket, status => {
    if (take(status, sentAt, performance.now())) return next()
    resolve()
    socket.destroy()
  })
  return promise
}

/**
 * Everything but the digits of the user ID is the same in every request of a connection. They
 * are counted up in place, which is safe because the last request has been answered.
 */
function buildRequest(name: string): { bytes: Buffer; digitsAt: number } {
  const body = `{"user_id":"@${name}-${'0'.repeat(DIGITS)}:example.org"}`
  const head = [
    `POST ${ERASE_PATHS[0]} HTTP/1.1`,
    'host: 127.0.0.1',
    `authorization: Bearer ${HS_TOKEN}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ]
  const bytes = Buffer.from(head.join('\r\n') + HEAD_END + body, 'latin1')
  return { bytes, digitsAt: bytes.lastIndexOf(`-${'0'.repeat(DIGITS)}:`) + 1 }
}

function countUp(bytes: Buffer, digitsAt: number): void {
  let at = digitsAt + DIGITS - 1
  for (; bytes[at] === NINE; at -= 1) bytes[at] = ZERO
  bytes.writeUInt8(bytes.readUInt8(at) + 1, at)
}

/** Calls back with the status of each answer, once the whole of it is here. */
function onAnswer(socket: Socket, callback: (status: string) => void): void {
  let waiting = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    waiting += chunk
    const headEnd = waiting.indexOf(HEAD_END)
    if (headEnd === -1) return
    const length = /content-length: (\d+)/i.exec(waiting)?.[1]
    if (length === undefined) throw new Error('An answer does not say how long it is')
    if (waiting.length < headEnd + HEAD_END.length + Number(length)) return
    const status = waiting.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)
    waiting = ''
    callback(status)
  })
}
