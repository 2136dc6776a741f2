import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import t from 'tap'

import { findResidue } from '../../lib/testing/handlers/find-residue.ts'
import { runProgram, startProgram } from '../support/program.ts'

t.test(
  'the quickstart runs, erases Bob by the line it prints, and leaves nothing',
  async t => {
    const directory = t.testdir()
    const env = { DATA_DIR: directory, PORT: '0' }
    const program = startProgram('examples/quickstart.ts', [], { env })
    t.teardown(() => program.end())
    await program.printed(/-d '\{"user_id"/)
    const out = program.lines.join('\n')
    const [, url = ''] = /curl -X POST (\S+)/.exec(out) ?? []
    const registration = readFileSync(join(directory, 'registration.yaml'), 'utf8')
    const [, token] = /^hs_token: "(.+)"$/m.exec(registration) ?? []
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: /-d '(\{.+)'/.exec(out)?.[1] ?? '',
    })
    t.equal(answer.status, 200)
    await program.printed(/The user is erased \{ requestId: '[0-9a-f-]{36}' \}/)
    t.same(findResidue('@bob:example.org', [directory]), [])
    const { code, stdout, stderr } = await program.end('SIGTERM')
    t.equal(code, 0, 'it closes by itself')
    const [, ...afterwards] = stdout.split(`-d '{"user_id": "@bob:example.org"}'`)
    t.notMatch(afterwards.join('') + stderr, /bob/)
  },
)

t.test('a port that is taken is one line, and the way out (9.29)', async t => {
  const blocker = createServer()
  await new Promise<void>(resolve => void blocker.listen(0, '127.0.0.1', resolve))
  t.teardown(() => blocker.close())
  const { port } = blocker.address() as { port: number }
  const env = { DATA_DIR: t.testdir(), PORT: String(port) }
  // Node 22 says that its SQLite is experimental.
  const nodeArgs = ['--disable-warning=ExperimentalWarning']
  const ended = await runProgram('examples/quickstart.ts', [], { env, nodeArgs })
  t.match(ended, {
    code: 1,
    stderr: /^Cannot listen on port \d+ .*choose another port\n$/,
  })
})
