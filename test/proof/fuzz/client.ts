import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Connection } from './connection.ts'
import { readAnswers } from './read-answers.ts'

/** What came back on a connection, and how it ended. */
export interface Exchange {
  readonly received: Buffer
  /** `stuck`: though the client has ended it, or everything is due, nothing happens. */
  readonly ending: 'closed' | 'reset' | 'stuck'
}

/** Where no answer is due, a connection is finished when nothing has come for so long. */
const QUIET_MS = 25
/** What is not answered or closed by now never is. */
const STUCK_MS = 20_000
/** A write that waits for an answer does so for this long: it may never come. */
const AWAIT_MS = 60

/** Sends what the connection sends, and reads until it has ended. */
export async function converse(port: number, connection: Connection): Promise<Exchange> {
  const client = new Client(port)
  for (const { bytes, pauseMs, awaits } of connection.writes) {
    if (pauseMs > 0) await sleep(pauseMs)
    await client.answers(awaits, AWAIT_MS)
    client.write(bytes)
  }
  const { isReset, isSound, sound } = connection
  if (isReset) await client.reset()
  else if (isSound) await client.answers(sound.length, STUCK_MS)
  else await client.quiet()
  return client.end()
}

class Client {
  readonly #socket: Socket
  readonly #chunks: Buffer[] = []
  #wasReset = false
  #wake = () => {}

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('connect', () => this.#wake())
    this.#socket.on('data', chunk => {
      this.#chunks.push(chunk)
      this.#wake()
    })
    this.#socket.on('error', () => (this.#wasReset = true))
    this.#socket.on('close', () => this.#wake())
  }

  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  /** Resolves when there are so many answers, or the connection is closed, or it takes too long. */
  async answers(count: number, patienceMs: number): Promise<void> {
    const deadline = Date.now() + patienceMs
    while (!this.#socket.closed && this.#answered() < count) {
      const leftMs = deadline - Date.now()
      if (leftMs <= 0 || !(await this.#happens(leftMs))) return
    }
  }

  async quiet(): Promise<void> {
    while (!this.#socket.closed && (await this.#happens(QUIET_MS)));
  }

  /** Not while it connects: that leaves Node with a handle it never closes. */
  async reset(): Promise<void> {
    if (this.#socket.connecting) await this.#happens(STUCK_MS)
    if (!this.#socket.destroyed) this.#socket.resetAndDestroy()
  }

  async end(): Promise<Exchange> {
    if (!this.#socket.destroyed) this.#socket.end()
    const deadline = Date.now() + STUCK_MS
    while (!this.#socket.closed && Date.now() < deadline) await this.#happens(STUCK_MS)
    const isStuck = !this.#socket.closed
    this.#socket.destroy()
    const received = Buffer.concat(this.#chunks)
    return { received, ending: isStuck ? 'stuck' : this.#wasReset ? 'reset' : 'closed' }
  }

  #answered(): number {
    const { answers } = readAnswers(Buffer.concat(this.#chunks), false)
    return answers.filter(({ status }) => status >= 200).length
  }

  /** Resolves when something came or the connection closed, or with `false` after so long. */
  #happens(withinMs: number): Promise<boolean> {
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), withinMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }
}
