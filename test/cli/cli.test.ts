import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'
import { parse } from 'yaml'

import { CliError } from '../../lib/cli/cli-error.ts'
import { runCli } from '../../lib/cli/run-cli.ts'
import { createErasure } from '../../lib/core/create-erasure.ts'
import { listen } from '../../lib/doors/http/listen.ts'
import { TOKEN_PLACEHOLDER } from '../../lib/registration/registration.ts'
import { ensureRegistration } from '../../lib/registration/registration-file.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { breathe } from '../support/fake-clock.ts'
import { ROOT, runProgram } from '../support/program.ts'

const bob = '@bob:example.org'

async function cli(args: string[], env: Record<string, string> = {}, input = '') {
  let stdout = ''
  let stderr = ''
  async function* stdin() {
    yield input
  }
  const code = await runCli(args, env, {
    stdin: stdin(),
    stdout: { write: text => (stdout += text) },
    stderr: { write: text => (stderr += text) },
  })
  return { code, stdout, stderr }
}

t.test(
  'registration prints a registration with fresh tokens, and the sample is its output',
  async t => {
    const first = await runProgram('lib/cli/main.ts', ['registration'])
    t.equal(first.code, 0)
    const second = await cli(['registration'])
    t.not(first.stdout, second.stdout)
    const tokens = /"[0-9a-f]{64}"/g
    t.equal(first.stdout.match(tokens)?.length, 2)
    const sample = readFileSync(join(ROOT, 'registration.sample.yaml'), 'utf8')
    t.equal(
      sample,
      first.stdout.replaceAll(tokens, `"${TOKEN_PLACEHOLDER}"`),
      'run npm run sample',
    )
    const { stdout } = await cli([
      ...['registration', '--id', 'irc', '--url', 'http://irc:9999'],
      ...[
        '--sender-localpart',
        'ircbot',
        '--user-regex',
        String.raw`@irc_.*:example\.org`,
      ],
    ])
    t.match(parse(stdout), {
      id: 'irc',
      url: 'http://irc:9999',
      sender_localpart: 'ircbot',
      namespaces: {
        users: [{ exclusive: true, regex: String.raw`@irc_.*:example\.org` }],
      },
    })
  },
)

async function running(directory: string) {
  const registration = await ensureRegistration(join(directory, 'registration.yaml'))
  const erasure = await createErasure({
    registration,
    key: join(directory, 'erasure.key'),
    store: sqliteStore({ path: join(directory, 'erasure.db') }),
    settleMs: 0,
    drainMs: 0,
  })
  let broken = true
  erasure.onUserErase('messages', {
    purge: async () => {
      if (broken) throw new Error(bob)
    },
    retry: { attempts: 1 },
  })
  await erasure.start()
  const server = await listen(erasure, { port: 0 })
  return { erasure, server, repair: () => (broken = false) }
}

t.test('erase and status talk to a running application service', async t => {
  const directory = t.testdir()
  const { erasure, server, repair } = await running(directory)
  const env = { DATA_DIR: directory }
  const erased = await cli(['erase', bob, '--url', server.url], env)
  t.match(erased, { code: 0, stdout: /Acknowledged/, stderr: '' })
  const piped = await cli(
    ['erase', '-', '--url', server.url, '--data', directory],
    {},
    '@al:x.y\n',
  )
  t.equal(piped.code, 0)
  t.ok(await erasure.isErased(bob))
  t.ok(await erasure.isErased('@al:x.y'))
  while ((await erasure.status()).counts.blocked < 2) await breathe()
  const json = await cli(['status', '--json'], env)
  const status = JSON.parse(json.stdout)
  t.same(status, JSON.parse(JSON.stringify(await erasure.status())))
  t.match(status.counts, { accepted: 0, blocked: 2, erased: 0, declined: 0 })
  const { requestId } = status.open[0]
  const table = await cli(['status'], env)
  t.match(table.stdout, /blocked 2 .* overdue 0/)
  t.match(table.stdout, new RegExp(`${requestId}  blocked`))
  t.match(table.stdout, 'messages  blocked  PURGE_FAILED')
  t.notMatch(table.stdout + json.stdout, /bob|@al/)
  const one = await cli(['status', requestId, '--json'], env)
  t.match(JSON.parse(one.stdout), { requestId, state: 'blocked' })
  t.match((await cli(['status', requestId], env)).stdout, requestId)
  repair()
  await erasure.retry(requestId)
  while ((await erasure.status()).counts.erased < 1) await breathe()
  t.match((await cli(['status', requestId], env)).stdout, /erased/)
  t.match(JSON.parse((await cli(['status', requestId, '--json'], env)).stdout), {
    outcome: 'erased',
  })
  await server.close()
  await erasure.close()
  t.equal((await cli(['status'], env)).code, 0, 'also while nothing runs')
  t.match(await cli(['erase', bob, '--url', server.url], env), {
    code: 1,
    stderr: /nothing answers at http/,
  })
})

t.test('what goes wrong is one line on stderr, and an exit code', async t => {
  const directory = t.testdir()
  const { erasure, server } = await running(directory)
  const data = ['--data', directory]
  const elsewhere = join(directory, 'elsewhere')
  mkdirSync(elsewhere)
  const cases: ReadonlyArray<readonly [string[], RegExp]> = [
    [[], /expected a command/],
    [['frobnicate'], /expected a command/],
    [['status', '--jsno'], /Unknown option '--jsno'/],
    [['status', '--data'], /argument missing/],
    [['status', 'a', 'b'], /too many arguments/],
    [['registration', bob], /too many arguments/],
    [['status', ...data, 'unknown-id'], /no request has this id/],
    [['status', '--data', elsewhere], /erasure\.db: there is no such database/],
    [['erase', ...data], /expected a user ID/],
    [['erase', ...data, 'bob'], /Not a user ID/],
    [['erase', bob, '--data', elsewhere], /registration\.yaml/],
    [['erase', bob, ...data, '--url', 'nowhere'], /pass --url/],
  ]
  for (const [args, line] of cases) {
    const { code, stdout, stderr } = await cli(args)
    t.match({ code, stdout }, { code: 2, stdout: '' }, args.join(' '))
    t.match(stderr, line)
    t.match(stderr, /^matrix-appservice-erasure: [^\n]+\n$/)
    t.notMatch(stderr, /bob/, 'no user ID is repeated')
  }
  const registration = join(directory, 'registration.yaml')
  const text = readFileSync(registration, 'utf8')
  writeFileSync(registration, text.replace(/hs_token: .*/, 'hs_token: "wrong"'))
  t.match(await cli(['erase', bob, ...data, '--url', server.url]), {
    code: 1,
    stderr: /did not acknowledge the request: 403 M_FORBIDDEN/,
  })
  writeFileSync(registration, text.replace(/hs_token: .*/, 'hs_token: [wrong'))
  t.match(await cli(['erase', bob, ...data]), { code: 2, stderr: /not YAML/ })
  writeFileSync(join(directory, 'erasure.key'), Buffer.alloc(32))
  t.match(await cli(['status', ...data]), { code: 2, stderr: /wrong key/ })
  await server.close()
  await erasure.close()
})

t.test('an answer that is not Matrix is not repeated', async t => {
  const directory = t.testdir()
  const { createServer } = await import('node:http')
  const server = createServer((_request, response) =>
    response.writeHead(502).end(`<h1>${bob}`),
  )
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  await ensureRegistration(join(directory, 'registration.yaml'))
  const ended = await cli([
    'erase',
    bob,
    '--data',
    directory,
    '--url',
    `http://127.0.0.1:${port}`,
  ])
  t.match(ended, { code: 1, stderr: /did not acknowledge the request: 502\n/ })
})

t.test("erase keeps the path of the registration's url (9.22)", async t => {
  const directory = t.testdir()
  const asked: Array<string | undefined> = []
  const { createServer } = await import('node:http')
  let body = '{}'
  const server = createServer((request, response) => {
    asked.push(request.url)
    response.end(body)
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  for (const path of ['', '/', '/base/path', '/base/path/']) {
    const file = join(directory, 'registration.yaml')
    const url = `http://127.0.0.1:${port}${path}`
    const { stdout } = await cli(['registration', '--url', url])
    writeFileSync(file, stdout, { mode: 0o600 })
    t.match(await cli(['erase', bob, '--data', directory]), { code: 0 }, path)
    const kept = path.replace(/\/$/, '')
    t.equal(asked.pop(), `${kept}/_matrix/app/v1/users/erase`, path)
  }
  for (const foreign of ['<html>', '"ok"', '{"ok":true}', 'null']) {
    body = foreign
    const ended = await cli(['erase', bob, '--data', directory])
    t.match(ended, { code: 1, stdout: '' }, 'a 200 of another server is no success')
    t.match(ended.stderr, /base\/path\/_matrix.* answered 200, but is not/)
  }
})

t.test('what a command needs and does not find is one line (9.29)', async t => {
  const directory = t.testdir()
  const { erasure, server } = await running(directory)
  await server.close()
  await erasure.close()
  const urls: ReadonlyArray<readonly [string, RegExp]> = [
    ['nonsense', /DATABASE_URL\) to be postgres:/],
    ['postgres://a:p#hush@h/none', /DATABASE_URL\) to be .* percent-encode/],
    ['postgres://a:hush@127.0.0.1:1/none', /127\.0\.0\.1:1/],
    ['postgres://a:hush@no-such-host.invalid/none', /no-such-host\.invalid/],
  ]
  for (const [url, line] of urls) {
    const ended = await cli(['status', '--postgres', '--data', directory], {
      DATABASE_URL: url,
    })
    t.match(ended, { code: 2, stdout: '', stderr: line }, url)
    t.match(ended.stderr, /^matrix-appservice-erasure: [^\n]+\n$/)
    t.notMatch(ended.stderr, /hush/)
  }
  const missing = join(directory, 'nowhere')
  for (const command of [['status'], ['erase', bob]]) {
    const ended = await cli([...command, '--data', missing])
    t.match(ended, { code: 2, stdout: '', stderr: /nowhere/ })
    t.match(ended.stderr, /^matrix-appservice-erasure: [^\n]+\n$/)
  }
})

t.test('help is for asking, and lists what there is', async t => {
  t.match(await cli(['help']), { code: 0, stdout: /^Usage/ })
  const { stdout } = await cli(['help'])
  const listed = [...stdout.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name)
  const named = /expected a command: (.*) or help/.exec((await cli([])).stderr)?.[1]
  t.same(listed, named?.split(', '))
  t.ok(listed.length >= 3)
  for (const line of stdout.split('\n')) t.ok(line.length <= 90, line)
  t.match(await cli(['--help']), { code: 0 })
  t.equal(new CliError('x').exitCode, 2)
})

t.test('an older Node is told what is needed before anything else is loaded', async t => {
  const older = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'})`
  const ended = await runProgram('lib/cli/main.ts', ['status'], {
    nodeArgs: ['--import', older],
  })
  t.match(ended, {
    code: 2,
    stdout: '',
    stderr: /^matrix-appservice-erasure needs Node 22\.19 or newer/,
  })
})
