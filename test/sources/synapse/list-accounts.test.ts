import fc from 'fast-check'
import t from 'tap'

import { listAccounts } from '../../../lib/sources/synapse/list-accounts.ts'
import type { ListedAccount, Page } from '../../../lib/sources/synapse/read-accounts.ts'
import type { Account } from '../../../lib/watch/source.ts'
import { SIZES } from '../../support/sizes.ts'

const account = (name: string): ListedAccount => ({
  name,
  erased: false,
  deactivated: true,
})
/** Names in the order of a list; `index` may lie between two whole numbers. */
const nameOf = (index: number) => `@u${index.toFixed(3).padStart(12, '0')}:hs.test`
const many = (count: number) => Array.from({ length: count }, (_, at) => nameOf(at))

/** What a homeserver answers whose list is `names` at that moment. */
function page(names: readonly string[], from: number, limit: number): Page {
  const rows = names.slice(from, from + limit)
  return { accounts: rows.map(account), isLast: from + limit >= names.length }
}

async function read(
  pageSize: number,
  getPage: (from: number) => Page,
): Promise<string[]> {
  const listing = {
    pageSize,
    serverName: 'hs.test',
    getPage: async (from: number) => getPage(from),
  }
  const found: Account[] = []
  for await (const one of listAccounts(listing)) found.push(one)
  return found.map(({ userId }) => userId)
}

t.test('a list that does not change is read once, in few pages', async t => {
  for (const count of [0, 1, 9, 10, 11, 100]) {
    const names = many(count)
    let pages = 0
    const found = await read(10, from => {
      pages += 1
      return page(names, from, 10)
    })
    t.same(found, names, `${count}`)
    t.ok(pages <= Math.ceil(count / 9) + 1, `${pages} pages`)
  }
})

t.test('users of other homeservers are left out', async t => {
  const names = [
    '@a:hs.test',
    '@b:xhs.test',
    '@c:hs.test:8448',
    '@d',
    'hs.test',
    '@e:hs.test',
  ]
  t.same(await read(10, from => page(names, from, 10)), ['@a:hs.test', '@e:hs.test'])
})

t.test('accounts that leave the list take none with them', async t => {
  const names = many(40)
  const found = await read(10, from => {
    const answer = page(names, from, 10)
    // Whatever was shown is gone, but for one.
    if (from === 9) names.splice(0, 18)
    return answer
  })
  t.same(new Set(found), new Set(many(40)))
})

t.test('whoever is in a list all the time is found, whatever comes and goes', async t => {
  const change = fc.record({
    after: fc.nat(30),
    remove: fc.array(fc.nat(60), { maxLength: 12 }),
    add: fc.array(fc.nat(60), { maxLength: 12 }),
  })
  let shifted = 0
  await fc.assert(
    fc.asyncProperty(
      fc.nat(60),
      fc.integer({ min: 2, max: 12 }),
      fc.array(change, { maxLength: 4 }),
      async (count, pageSize, changes) => {
        let names = many(count)
        const before = [...names]
        let asked = 0
        const found = await read(pageSize, from => {
          for (const { after, remove, add } of changes) {
            if (after !== asked) continue
            names = names.filter((_, at) => !remove.includes(at))
            const added = add.map(at => nameOf(at + 0.5 + asked / 1000))
            names = [...new Set([...names, ...added])].toSorted()
            shifted += 1
          }
          asked += 1
          return page(names, from, pageSize)
        }).catch((error: unknown) => error)
        // A list that changes too much may be given up, but is never taken for complete.
        if (!Array.isArray(found)) return t.match(found, { code: 'SOURCE_INVALID' })
        const kept = before.filter(name => names.includes(name))
        const missing = kept.filter(name => !found.includes(name))
        if (missing.length > 0) throw new Error(`${missing.join()} not found`)
        return undefined
      },
    ),
    { seed: SIZES.seed, numRuns: Math.max(2000, SIZES.schedules) },
  )
  t.ok(shifted > 500, `${shifted} changes in the middle of a list`)
})

t.test('pages that lead nowhere end', async t => {
  const rows = many(5).map(account)
  let fresh = 0
  const broken: Record<string, (from: number) => Page> = {
    'no accounts, and more': () => ({ accounts: [], isLast: false }),
    'the same page for every offset': () => ({ accounts: rows, isLast: false }),
    'one account a page, another each time': () => ({
      accounts: [account(nameOf((fresh += 1)))],
      isLast: false,
    }),
    'nothing in common, ever': () => ({
      accounts: [0, 1, 2].map(() => account(nameOf((fresh += 1)))),
      isLast: false,
    }),
  }
  for (const [what, getPage] of Object.entries(broken)) {
    let pages = 0
    await t.rejects(
      read(5, from => {
        pages += 1
        return getPage(from)
      }),
      { name: 'SourceError', code: 'SOURCE_INVALID' },
      what,
    )
    t.ok(pages < 250, `${what}: ${pages} pages`)
  }
})
