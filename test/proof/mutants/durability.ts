import type { Mutant } from './mutant.ts'

const P = 'test/proof/promises'

/** Mutants that break promise 1. */
export const durability: readonly Mutant[] = [
  {
    what: 'no fsync',
    file: 'lib/engines/sqlite/open-database.ts',
    replace: 'PRAGMA synchronous = FULL;',
    by: 'PRAGMA synchronous = OFF;',
    tests: [`${P}/durability-power-cut.test.ts`],
  },
  {
    what: 'the log is truncated with many transactions in it',
    file: 'lib/engines/sqlite/checkpoint.ts',
    replace: 'if (log > 0)',
    by: 'if (log < 0)',
    tests: [`${P}/durability-power-cut.test.ts`],
  },
  {
    what: '200 before the write',
    file: 'lib/doors/http/receive.ts',
    replace: 'await erasure.accept(body.userId)',
    by: 'void erasure.accept(body.userId).catch(() => {})',
    tests: [`${P}/durability.test.ts`],
  },
  {
    what: 'writes resolve before the commit',
    file: 'lib/engines/sqlite/group-commit.ts',
    replace: "      this.#database.exec('COMMIT')\n      return results",
    by: "      setImmediate(() => this.#database.isOpen && this.#database.exec('COMMIT'))\n      return results",
    tests: [`${P}/durability.test.ts`],
  },
  {
    what: 'what Keyv answers is not checked',
    file: 'lib/store/documents.ts',
    replace: 'if (!stored.every(answer => answer === true)) throw this.#unwritable()',
    by: '',
    tests: ['test/store/erasure-store.test.ts'],
  },
  {
    what: 'one commit for each write',
    file: 'lib/engines/sqlite/group-commit.ts',
    replace: 'if (this.#waiting.length === 0) setImmediate(() => this.flush())',
    by: 'queueMicrotask(() => this.flush())',
    tests: ['test/engines/sqlite/sqlite-store.test.ts'],
  },
  {
    what: 'a second process may open the store',
    file: 'lib/engines/sqlite/open-database.ts',
    replace: '; BEGIN EXCLUSIVE',
    by: '',
    tests: ['test/engines/sqlite/open-database.test.ts'],
  },
  {
    what: 'an fsync now and then',
    file: 'lib/engines/sqlite/open-database.ts',
    replace: 'PRAGMA synchronous = FULL;',
    by: 'PRAGMA synchronous = NORMAL;',
    tests: [`${P}/durability-power-cut.test.ts`],
  },
  {
    what: 'request and tombstone are two writes',
    file: 'lib/store/erasure-store.ts',
    replace:
      '      documents.setMany([\n        { key: `request:${request.id}`, value: request },\n        { key: `tombstone:${request.tag}`, value: request.receivedAt, ttl: tombstoneMs },\n      ]),',
    by: '      documents.set(`request:${request.id}`, request).then(() => documents.set(`tombstone:${request.tag}`, request.receivedAt, tombstoneMs)),',
    tests: [`${P}/durability.test.ts`, `${P}/durability-power-cut.test.ts`],
  },
  {
    what: 'half a first page counts as corrupt',
    file: 'lib/engines/sqlite/open-database.ts',
    replace: 'if (!existsSync(`${path}-journal`)) checkHeader(path)',
    by: 'checkHeader(path)',
    tests: ['test/engines/sqlite/open-database.test.ts'],
  },
  {
    what: 'the key is not synced',
    file: 'lib/user-seal/key.ts',
    replace: '    await file.sync()\n',
    by: '',
    tests: [`${P}/durability-power-cut.test.ts`],
  },
  {
    what: 'the name of the key is not synced',
    file: 'lib/user-seal/key.ts',
    replace: '  syncFolder(directory)\n',
    by: '',
    tests: [`${P}/durability-power-cut.test.ts`],
  },
  {
    what: 'the name of a key that a killed process made is not synced',
    file: 'lib/user-seal/key.ts',
    replace: '    if (create) syncFolder(dirname(resolve(source)))\n',
    by: '',
    tests: [`${P}/durability-power-cut.test.ts`],
  },
  {
    what: 'the name of a new folder is not synced',
    file: 'lib/host/durable-folder.ts',
    replace: '  syncFolder(above)\n',
    by: '',
    tests: [`${P}/durability-power-cut.test.ts`],
  },
  {
    what: 'the lock of a store that nobody refers to is let go',
    file: 'lib/engines/sqlite/open-database.ts',
    replace: 'locks.add(lock)',
    by: '',
    tests: ['test/engines/sqlite/open-database.test.ts'],
  },
  {
    what: 'a write that fails counts as written',
    file: 'lib/engines/sqlite/group-commit.ts',
    replace: 'write.reject(error)',
    by: 'write.resolve([true, true] as never)',
    tests: [`${P}/full-disk.test.ts`],
  },
]
