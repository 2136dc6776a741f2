import type { Mutant } from './mutant.ts'

const P = 'test/proof/promises'

/** Mutants that break promise 2. */
export const nothingStalls: readonly Mutant[] = [
  {
    what: 'open requests are not resumed at start',
    file: 'lib/core/create-erasure.ts',
    replace: 'await this.#sweep.scheduleAll(() => clock.now())',
    by: '',
    tests: ['test/core/create-erasure.test.ts', 'test/purge/carry-out-troubles.test.ts'],
  },
  {
    what: 'no sweep',
    file: 'lib/core/sweep.ts',
    replace: 'this.#cancel = clock.setTimer(() => void sweep(), sweepMs)',
    by: 'void sweep, sweepMs, clock',
    tests: ['test/purge/carry-out-troubles.test.ts'],
  },
  {
    what: 'a blocked handler is not tried again',
    file: 'lib/request/transitions.ts',
    replace: 'BLOCKED_RETRY_MS: number = 24 * 60 * 60 * 1000',
    by: 'BLOCKED_RETRY_MS: number = 1e15',
    tests: ['test/purge/carry-out.test.ts'],
  },
  {
    what: 'a request that ends does not make room for the next',
    file: 'lib/schedule/in-process.ts',
    replace: 'this.#enqueue({ id, at: again.getTime(), group })\n    this.#pump()',
    by: '{\n      this.#enqueue({ id, at: again.getTime(), group })\n      this.#pump()\n    }',
    tests: ['test/schedule/in-process.test.ts', `${P}/nothing-stalls.test.ts`],
  },
  {
    what: 'a missing handler counts as done',
    file: 'lib/request/bring-up-to-date.ts',
    replace: 'handlers[name] = missing(progress, now)',
    by: 'delete handlers[name]',
    tests: [`${P}/nothing-stalls-sequences.test.ts`, `${P}/nothing-stalls.test.ts`],
  },
  {
    what: 'a request is deleted before its record is written',
    file: 'lib/store/erasure-store.ts',
    replace:
      '        set: { key: `record:${record.requestId}`, value: record, ttl: recordMs },\n        delete: `request:${request.id}`,\n      }),',
    by: '        delete: `request:${request.id}`,\n      }).then(() => documents.set(`record:${record.requestId}`, record, recordMs)),',
    tests: [`${P}/nothing-stalls-sequences.test.ts`],
  },
  {
    what: 'without writeIf, a change deletes before it sets',
    file: 'lib/store/documents.ts',
    replace:
      '      if (set !== undefined) await this.set(set.key, set.value, set.ttl)\n      if (gone !== undefined) await this.delete(gone)\n',
    by: '      if (gone !== undefined) await this.delete(gone)\n      if (set !== undefined) await this.set(set.key, set.value, set.ttl)\n',
    tests: ['test/store/documents.test.ts', `${P}/nothing-stalls.test.ts`],
  },
  {
    what: 'who has another key blocks what he cannot open',
    file: 'lib/purge/load-request.ts',
    replace: '    await checkKey(context)\n',
    by: '    void checkKey\n',
    tests: ['test/purge/fencing.test.ts'],
  },
  {
    what: 'a new handler waits for what others retain',
    file: 'lib/request/bring-up-to-date.ts',
    replace: 'isRetentionOver || newcomers.length > 0',
    by: 'isRetentionOver',
    tests: [`${P}/nothing-stalls-sequences.test.ts`],
  },
  {
    what: 'a new handler is not verified together with the others',
    file: 'lib/request/bring-up-to-date.ts',
    replace: 'if (newcomers.length > 0) progress',
    by: 'if (newcomers.length < 0) progress',
    tests: [`${P}/nothing-stalls-sequences.test.ts`],
  },
  {
    what: 'the sweep sees requests as they were left, not as they are now',
    file: 'lib/request/bring-up-to-date.ts',
    replace: 'const request = bringUpToDate(stored, plan, false, now)',
    by: 'const request = stored',
    tests: [`${P}/nothing-stalls-sequences.test.ts`],
  },
  {
    what: 'lifting and renewing a tombstone cross',
    file: 'lib/store/erasure-store.ts',
    replace:
      '    if (await documents.change({ key, seen: seen.text, ...change(seen) })) return true',
    by: '    const { text } = (await documents.see(key)) ?? {}\n    if (await documents.change({ key, seen: text, ...change(seen) })) return true',
    tests: [`${P}/nothing-stalls-sequences.test.ts`],
  },
  {
    what: 'the word that a retry is asked for stays for ever',
    file: 'lib/store/erasure-store.ts',
    replace: 'documents.set(`retry:${id}`, true, wordMs)',
    by: 'documents.set(`retry:${id}`, true, wordMs * 0 || undefined)',
    tests: [`${P}/nothing-stalls-sequences.test.ts`],
  },
  {
    what: 'a retry is forgotten before it is stored',
    file: 'lib/purge/load-request.ts',
    replace: '  const subject = await unsealSubject(stored, context)',
    by: '  if (retry) await store.clearRetry(id)\n  const subject = await unsealSubject(stored, context)',
    tests: [`${P}/nothing-stalls.test.ts`],
  },
  {
    what: 'failures before something was found left count on',
    file: 'lib/request/transitions.ts',
    replace: '    failures: 0,\n    rounds,\n',
    by: '    rounds,\n',
    tests: [`${P}/nothing-stalls-sequences.test.ts`],
  },
  {
    what: 'a handler may ask to be called when time has ended',
    file: 'lib/purge/check-result.ts',
    replace: 'now + value <= END_OF_TIME_MS',
    by: 'now <= END_OF_TIME_MS',
    tests: [`${P}/nothing-stalls-sequences.test.ts`],
  },
]
