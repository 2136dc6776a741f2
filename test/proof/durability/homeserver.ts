import { connect, type Socket } from 'node:net'

import { request } from '../../support/answers.ts'

/** What the homeserver knows of erasure requests. */
export interface Ledger {
  readonly sent: Set<string>
  /** Answered 200. */
  readonly acknowledged: Set<string>
}

export function newLedger(): Ledger {
  return { sent: new Set(), acknowledged: new Set() }
}

/** One connection of a homeserver that sends its next request when the last is answered. */
export class Connection {
  readonly #socket: Socket
  readonly #ledger: Ledger
  #answered: (status: number | undefined) => void = () => {}

  constructor(port: number, ledger: Ledger) {
    this.#ledger = ledger
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', chunk => this.#answered(statusOf(chunk)))
    this.#socket.on('close', () => this.#answered(undefined))
    this.#socket.on('error', () => {})
  }

  /** @returns whether there is still somebody at the other end */
  async erase(user: string): Promise<boolean> {
    if (this.#socket.destroyed) return false
    this.#ledger.sent.add(user)
    const status = await new Promise<number | undefined>(resolve => {
      this.#answered = resolve
      this.#socket.write(request({ body: JSON.stringify({ user_id: user }) }))
    })
    if (status === 200) this.#ledger.acknowledged.add(user)
    else if (status !== undefined) throw new Error(`${user} was answered ${status}`)
    return status !== undefined
  }

  close(): void {
    this.#socket.destroy()
  }
}

function statusOf(chunk: Buffer): number {
  return Number(chunk.toString('latin1').split(' ')[1])
}
