import { type HandlerName, HANDLERS, type PurgeMove, type VerifyMove } from './steps.ts'

interface Lines {
  purge: PurgeMove[]
  verify: VerifyMove[]
  alwaysPurge: PurgeMove
  alwaysVerify: VerifyMove
}

/** How the handlers behave: first what was said about the next calls, then as always. */
export class Script {
  #lines = newLines()

  next(
    handler: HandlerName,
    purge: readonly PurgeMove[],
    verify: readonly VerifyMove[],
  ): void {
    this.#lines[handler].purge.push(...purge)
    this.#lines[handler].verify.push(...verify)
  }

  always(handler: HandlerName, purge?: PurgeMove, verify?: VerifyMove): void {
    const lines = this.#lines[handler]
    lines.alwaysPurge = purge ?? lines.alwaysPurge
    lines.alwaysVerify = verify ?? lines.alwaysVerify
  }

  /** Everybody is honest from now on. */
  heal(): void {
    this.#lines = newLines()
  }

  purge(handler: HandlerName): PurgeMove {
    const { purge, alwaysPurge } = this.#lines[handler]
    return purge.shift() ?? alwaysPurge
  }

  verify(handler: HandlerName): VerifyMove {
    const { verify, alwaysVerify } = this.#lines[handler]
    return verify.shift() ?? alwaysVerify
  }
}

function newLines(): Record<HandlerName, Lines> {
  const lines = (): Lines => ({
    purge: [],
    verify: [],
    alwaysPurge: 'honest',
    alwaysVerify: 'honest',
  })
  const entries = HANDLERS.map(name => [name, lines()] as const)
  return Object.fromEntries(entries) as Record<HandlerName, Lines>
}
