// Compiles, bundles, tests and runs a small bridge against the packed tarball, in the ways
// bridges do it. README's section "CommonJS, bundlers, test runners" says the same in words.
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import manifest from '../../package.json' with { type: 'json' }
import { emptyFolder, pack, type Ran, run } from './packed.ts'

const FIXTURES = join(import.meta.dirname, 'consumer')

type PackageType = 'module' | 'commonjs'
const TYPES: readonly PackageType[] = ['module', 'commonjs']

/** How a compiler finds the package, and what it then writes for each kind of package. */
const RESOLUTIONS: ReadonlyArray<readonly [string, string, Record<PackageType, string>]> =
  [
    ['nodenext', 'nodenext', { module: 'nodenext', commonjs: 'nodenext' }],
    ['node16', 'node16', { module: 'node16', commonjs: 'node16' }],
    ['bundler', 'bundler', { module: 'esnext', commonjs: 'preserve' }],
    ['node10', 'node10', { module: 'esnext', commonjs: 'commonjs' }],
  ]
const COMPILERS = ['typescript-5', 'typescript-7']

/** What the compilers themselves refuse, whatever is imported. */
const REMOVED: ReadonlyMap<string, RegExp> = new Map([
  ['typescript-7 node10', /TS5108: Option 'moduleResolution=node10' has been removed/],
])

const WORKS: Ran = { code: 0, output: 'erased true 0\n' }

t.setTimeout(900_000)

t.test('bridges of every kind can use the packed package', async t => {
  t.setTimeout(900_000)
  const tarball = await pack(t)
  const folder = emptyFolder(t)
  copyFileSync(
    join(import.meta.dirname, 'tools/package.json'),
    join(folder, 'package.json'),
  )
  const install = async (...packages: readonly string[]) => {
    const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages]
    const { code, output } = await run(folder, 'npm', args)
    t.equal(code, 0, output)
  }

  await install(tarball)
  const subpaths = Object.keys(manifest.exports).filter(path => path !== './package.json')
  const withoutKoa = subpaths.filter(path => path !== './koa')
  await t.test('./koa alone needs types of Koa', async t => {
    for (const type of TYPES) {
      const project = makeProject(folder, 'no-koa', type, withoutKoa)
      const options = { module: 'nodenext', moduleResolution: 'nodenext' }
      t.same(
        await compile(project, 'typescript-7', options),
        { code: 0, output: '' },
        type,
      )
    }
  })

  const versions = manifest.devDependencies
  const peers = ['koa', '@koa/router', '@types/koa', 'pg', 'pg-boss'] as const
  await install(...peers.map(name => `${name}@${versions[name]}`))
  for (const compiler of COMPILERS) {
    for (const [name, moduleResolution, modules] of RESOLUTIONS) {
      for (const type of TYPES) {
        await t.test(`${compiler}, ${name}, ${type}`, async t => {
          const project = makeProject(folder, `${compiler}-${name}`, type, subpaths)
          const options = { module: modules[type], moduleResolution }
          const compiled = await compile(project, compiler, options)
          const refusal = REMOVED.get(`${compiler} ${name}`)
          if (refusal !== undefined) {
            t.match(compiled.output, refusal, 'the compiler has it no more')
            return
          }
          t.same(compiled, { code: 0, output: '' })
          // A bundler would come next, and does, below.
          if (name === 'bundler') return
          t.same(await run(project, 'node', ['out/main.js']), WORKS)
          t.same(await run(project, 'node', ['out/entries.js']), { code: 0, output: '' })
        })
      }
    }
  }
  for (const type of TYPES) await t.test(`esbuild, ${type}`, t => bundle(t, folder, type))
  for (const type of TYPES) {
    await t.test(`tsx, vitest and jest, ${type}`, t => interpret(t, folder, type))
  }
})

/** A package of its own below the folder: the bridge, and a file that imports every entry. */
function makeProject(
  folder: string,
  name: string,
  type: PackageType,
  subpaths: readonly string[] = [],
): string {
  const project = join(folder, `${name}-${type}`)
  mkdirSync(project)
  cpSync(FIXTURES, project, { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type }))
  const imports = subpaths.map(
    (path, index) =>
      `import * as entry${index} from '${path.replace('.', 'matrix-appservice-erasure')}'\n` +
      `if (Object.keys(entry${index}).length === 0) throw new Error('${path} is empty')\n`,
  )
  writeFileSync(join(project, 'entries.ts'), imports.join(''))
  return project
}

function compile(
  project: string,
  compiler: string,
  options: Readonly<Record<string, string>>,
): Promise<Ran> {
  const compilerOptions = {
    ...options,
    target: 'es2022',
    strict: true,
    skipLibCheck: false,
    types: ['node'],
    rootDir: '.',
    outDir: 'out',
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  return run(project, 'node', [`../node_modules/${compiler}/bin/tsc`, '-p', '.'])
}

async function bundle(t: Test, folder: string, type: PackageType): Promise<void> {
  const project = makeProject(folder, 'esbuild', type)
  const esbuild = (...args: readonly string[]) =>
    run(project, 'npx', ['esbuild', 'main.ts', '--bundle', '--platform=node', ...args])
  const whole = await esbuild(
    '--format=cjs',
    '--outfile=whole.cjs',
    '--log-level=warning',
  )
  t.same(whole, { code: 0, output: '' }, 'one file of everything')
  t.same(await run(project, 'node', ['whole.cjs']), WORKS)
  // `yaml` requires `process`, which esbuild's ES modules cannot: not ours to mend.
  const beside = ['--packages=external', '--log-level=warning']
  const external = await esbuild('--format=esm', '--outfile=beside.mjs', ...beside)
  t.same(external, { code: 0, output: '' }, 'an ES module beside node_modules')
  t.same(await run(project, 'node', ['beside.mjs']), WORKS)
}

async function interpret(t: Test, folder: string, type: PackageType): Promise<void> {
  const project = makeProject(folder, 'runners', type)
  t.same(await run(project, 'npx', ['tsx', 'main.ts']), WORKS, 'tsx')

  const test = `test('erases', async () => expect(await eraseBob()).toBe('erased true 0'))\n`
  const imports = `import { expect, test } from 'vitest'\nimport { eraseBob } from './bridge.ts'\n`
  writeFileSync(join(project, 'bridge.test.ts'), imports + test)
  const vitest = await run(project, 'npx', ['vitest', 'run'], { CI: '1' })
  t.match(vitest, { code: 0, output: /1 passed/ }, 'vitest')

  // Jest has a loader of its own, which takes ES modules only behind this flag of Node's.
  const format = type === 'module' ? 'esm' : 'cjs'
  const transpile = ['bridge.ts', `--format=${format}`, '--outfile=bridge.js']
  t.match(await run(project, 'npx', ['esbuild', ...transpile]), { code: 0 })
  const load =
    type === 'module'
      ? `import { eraseBob } from './bridge.js'\n`
      : `const { eraseBob } = require('./bridge.js')\n`
  writeFileSync(join(project, 'jest.test.js'), load + test)
  const settings = JSON.stringify({ transform: {}, testMatch: ['**/jest.test.js'] })
  const jest = await run(project, 'npx', ['jest', '--config', settings], {
    NODE_OPTIONS: '--experimental-vm-modules',
  })
  t.match(jest, { code: 0, output: /1 passed/ }, 'jest')
}
