import { type Account, SourceError } from '../../watch/source.ts'
import type { ListedAccount, Page } from './read-accounts.ts'

/** How a list is read. */
export interface Listing {
  /** Gets the page that begins at an offset. */
  readonly getPage: (from: number) => Promise<Page>
  /** How many accounts a page has, at most. */
  readonly pageSize: number
  /** Other servers' users are left out. */
  readonly serverName: string
}

/** So many accounts of a page are asked for again with the next one, if pages are large enough. */
const OVERLAP = 100
/** How often one scan may go back. A list that shrinks faster than it is read is not normal. */
const MAX_STEPS_BACK = 100
/** So many pages in a row may show nothing new, because many accounts were added before them. */
const MAX_STALE_PAGES = 3

/**
 * Lists accounts page by page. Misses none that is in the list from beginning to end, although
 * offsets shift when accounts leave it or come into it: a page must share an account with the one
 * before, or the list is read from further up. Memory for one page.
 *
 * @throws SourceError `SOURCE_INVALID` if the pages lead nowhere; whatever `getPage` throws
 */
export async function* listAccounts(listing: Listing): AsyncGenerator<Account> {
  const { getPage, pageSize, serverName } = listing
  let before: ReadonlySet<string> | undefined
  let from = 0
  let stepsBack = 0
  let stalePages = 0
  for (;;) {
    const { accounts, isLast } = await getPage(from)
    const fresh = accounts.filter(({ name }) => before?.has(name) !== true)
    if (from > 0 && fresh.length === accounts.length) {
      // Nothing in common: accounts before this page are gone, and others took their offsets.
      stepsBack += 1
      if (stepsBack > MAX_STEPS_BACK) throw leadsNowhere('shrinks faster than it is read')
      from = Math.max(0, from - pageSize)
      continue
    }
    for (const account of fresh)
      if (isUserOf(account.name, serverName)) yield toAccount(account)
    if (isLast) return
    stalePages = fresh.length === 0 ? stalePages + 1 : 0
    if (stalePages > MAX_STALE_PAGES) throw leadsNowhere('repeats itself')
    const overlap = Math.min(OVERLAP, Math.ceil(accounts.length / 10))
    if (accounts.length <= overlap) throw leadsNowhere('does not move on')
    from += accounts.length - overlap
    before = new Set(accounts.map(({ name }) => name))
  }
}

function toAccount({ name, erased, deactivated }: ListedAccount): Account {
  return { userId: name, erased, halfFinished: erased && !deactivated }
}

function isUserOf(name: string, serverName: string): boolean {
  const colon = name.length - serverName.length - 1
  return name.endsWith(`:${serverName}`) && name.indexOf(':') === colon
}

function leadsNowhere(what: string): SourceError {
  return new SourceError('SOURCE_INVALID', `The list of accounts ${what}`)
}
