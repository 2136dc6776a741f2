import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import manifest from '../package.json' with { type: 'json' }
import { ROOT } from './support/program.ts'

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

t.test('the sample of the README is the quickstart, and short', async t => {
  const sample = /```ts\n(.*?)```/s.exec(read('README.md'))?.[1]
  const example = read('examples/quickstart.ts')
  t.equal(sample, example)
  t.ok(example.trimEnd().split('\n').length <= 30)
  const linesBefore = read('README.md').split('```ts')[0]?.split('\n').length ?? 0
  t.ok(linesBefore <= 25, 'the code is on the first screen')
})

t.test('every error code is in docs/errors.md, and nothing else', async t => {
  const codesIn = (text: string, code: RegExp) =>
    [...text.matchAll(code)].map(([, found]) => found)
  const rowsIn = (text: string) =>
    [...text.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code)
  const page = read('docs/errors.md')
  const [ours = '', handlers = ''] = page.split('## Codes of handlers')
  const blockOf = (path: string, head: string) =>
    read(path).split(head)[1]?.split('\n\n')[0] ?? ''
  const facts = blockOf('lib/errors.ts', 'export interface ErasureErrorFacts')
  const union = blockOf('lib/request/open-request.ts', 'export type HandlerErrorCode =')
  t.same(rowsIn(ours), codesIn(facts, /^ {2}([A-Z_]+): /gm))
  t.same(rowsIn(handlers), codesIn(union, /^\s*\| '([A-Z_]+)'/gm))
  t.ok(rowsIn(ours).length > 10)
  t.ok(rowsIn(handlers).length > 5)
})

t.test('every error code is thrown somewhere', async t => {
  const sources = sourceFiles('lib').filter(path => path !== 'lib/errors.ts')
  const text = sources.map(read).join('\n')
  for (const [, code] of read('docs/errors.md').matchAll(/^\| `([A-Z_]+)`/gm)) {
    const isMade =
      text.includes(`'${code}'`) || /^(PURGE|VERIFY)_(FAILED|TIMEOUT)$/.test(code ?? '')
    t.ok(isMade, String(code))
  }
})

t.test('no test is left out for its name', async t => {
  const known =
    /^test\/(support|e2e|proof|package)\/|^test\/types\.ts$|^test\/examples\/guestbook-stores\.ts$/
  for (const path of sourceFiles('test')) {
    t.ok(known.test(path) || path.endsWith('.test.ts'), path)
  }
})

t.test('each promise is the title of a test, and has mutants', async t => {
  const titles = [...read('docs/promises.md').matchAll(/^## (.+)$/gm)].map(
    match => match[1],
  )
  const tests = sourceFiles('test/proof/promises')
  const testsOf = (folder: string) =>
    tests.filter(path => path.startsWith(`test/proof/promises/${folder}`)).map(read)
  const folders = readdirSync(join(ROOT, 'test/proof/mutants')).filter(
    name => !name.endsWith('.ts'),
  )
  for (const folder of folders) {
    t.ok(sourceFiles(`test/proof/mutants/${folder}`, '.patch').length > 0, folder)
    const promised = titles.filter(title =>
      testsOf(folder).join('').includes(`'${title}`),
    )
    t.equal(promised.length, 1, `${folder}: ${promised.join()}`)
  }
  t.equal(folders.length, titles.length)
})

t.test('links of the documentation lead somewhere', async t => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...sourceFiles('docs', '.md'),
  ]
  for (const page of pages) {
    for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : join(page, '..', path)
      t.doesNotThrow(() => readdirOrFile(file), `${page}: ${target}`)
      if (anchor === undefined) continue
      const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
      )
      t.ok(headings.includes(anchor), `${page}: ${target}`)
    }
  }
})

t.test('every command that the documentation or a workflow names exists', async t => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'bench/README.md',
    '.ci/run',
    ...sourceFiles('.github', '.md'),
    ...sourceFiles('.github/workflows', '.yml'),
    ...sourceFiles('docs', '.md'),
  ]
  let found = 0
  for (const page of pages) {
    for (const [, name = ''] of read(page).matchAll(/npm run ([a-z][\w:-]*)/g)) {
      t.ok(Object.hasOwn(manifest.scripts, name), `${page}: npm run ${name}`)
      found += 1
    }
  }
  t.ok(found > 10)
})

t.test('actions of the workflows are pinned to commits', async t => {
  for (const path of sourceFiles('.github/workflows', '.yml')) {
    const uses = [...read(path).matchAll(/uses: (.+)/g)].map(([, action = '']) => action)
    t.ok(uses.length > 0)
    for (const action of uses) t.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d/, path)
  }
})

t.test('people are they, in all text and code', async t => {
  const folders = ['lib', 'docs', 'examples', 'test', 'bench', '.github']
  const endings = ['.ts', '.md', '.yml', '.py', '.patch']
  const files = folders.flatMap(folder =>
    endings.flatMap(ending => sourceFiles(folder, ending)),
  )
  const own = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']
  for (const path of [...files, ...own]) {
    if (path === 'test/docs.test.ts') continue
    const found = /.*(?:\b(?:he|him|his|himself)\b|(?:OnlyHis|IsHis)\b).*/i.exec(
      read(path),
    )
    t.equal(found?.[0], undefined, path)
  }
})

function readdirOrFile(path: string): unknown {
  try {
    return read(path)
  } catch {
    return readdirSync(join(ROOT, path))
  }
}

function sourceFiles(folder: string, ending = '.ts'): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map(name => `${folder}/${name}`)
    .filter(path => path.endsWith(ending) && !path.includes('node_modules'))
    .toSorted()
}
