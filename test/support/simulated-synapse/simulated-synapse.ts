import { SimulatedAccounts } from './accounts.ts'
import { answerAdmin, json, refuse, type SimulatedAnswer } from './answer.ts'

/** The token of a server admin; everybody else's is refused. */
export const ADMIN_TOKEN = 'the-access-token-of-a-test'

/** What is wrong with a homeserver. */
export type Trouble =
  | 'nothing'
  /** No connection. */
  | 'away'
  /** No answer, and the connection stays. */
  | 'hangs'
  /** The answer breaks off. */
  | 'breaks off'
  | '500'
  /** With `Retry-After: 30`. */
  | '429'
  /** The token's owner is no admin any more. */
  | '403'
  /** A reverse proxy's own page, with status 200. */
  | 'html'
  /** JSON of another shape: what an older Synapse, or a careless proxy, makes of it. */
  | 'no erased'
  | 'null'

/** An answer, or none: the connection ends before it, or in it. */
export type Outcome = SimulatedAnswer | 'no connection' | 'no answer' | 'half an answer'

/** A homeserver with the admin API of users, and everything that can go wrong with it. */
export class SimulatedSynapse {
  readonly serverName = 'hs.test'
  readonly accounts: SimulatedAccounts = new SimulatedAccounts()
  hasMas = false
  hasV3 = true
  trouble: Trouble = 'nothing'
  /** Every request so far: path and query. */
  readonly asked: string[] = []
  /** Called before a request is answered: what happens in the middle of a scan. */
  onAsked: (target: string) => void = () => {}
  #lagging: SimulatedAccounts | undefined

  /** From now on lists show what there is now, until `catchUp`. */
  lag(): void {
    this.#lagging = this.accounts.copy()
  }

  catchUp(): void {
    this.#lagging = undefined
  }

  get isLagging(): boolean {
    return this.#lagging !== undefined
  }

  /** @param target - path and query */
  answer(target: string, token: string | undefined): Outcome {
    this.asked.push(target)
    this.onAsked(target)
    if (this.trouble === 'away') return 'no connection'
    if (this.trouble === 'hangs') return 'no answer'
    if (this.trouble === 'breaks off') return 'half an answer'
    const { serverName, hasMas, hasV3, accounts } = this
    const facts = { serverName, hasMas, hasV3, accounts }
    const listed = this.#lagging ?? accounts
    return this.#spoil(answerAdmin({ ...facts, listed }, target, refusalOf(token)))
  }

  #spoil(honest: SimulatedAnswer): SimulatedAnswer {
    switch (this.trouble) {
      case '500':
        return json(500, { errcode: 'M_UNKNOWN', error: 'Internal server error' })
      case '429':
        return { ...refuse(429, 'M_LIMIT_EXCEEDED'), headers: { 'retry-after': '30' } }
      case '403':
        return refuse(403, 'M_FORBIDDEN')
      case 'html':
        return { status: 200, body: '<html><body>Sign in</body></html>' }
      case 'no erased':
        return { ...honest, body: honest.body.replaceAll('"erased"', '"was_erased"') }
      case 'null':
        return {
          ...honest,
          body: honest.body.replaceAll(/"erased":(true|false)/g, '"erased":null'),
        }
      default:
        return honest
    }
  }
}

function refusalOf(token: string | undefined): SimulatedAnswer | undefined {
  if (token === undefined) return refuse(401, 'M_MISSING_TOKEN')
  if (token === ADMIN_TOKEN) return undefined
  return refuse(401, 'M_UNKNOWN_TOKEN', { soft_logout: false })
}
