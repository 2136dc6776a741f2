import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import t from 'tap'

import { findResidue } from '../../lib/testing/handlers/find-residue.ts'
import { ROOT, runProgram } from '../support/run-program.ts'

t.test(
  'the quickstart runs, erases Bob by the line it prints, and leaves nothing',
  async t => {
    const directory = t.testdir()
    const args = ['--conditions=erasure-source', 'examples/quickstart.ts']
    const env = { ...process.env, DATA_DIR: directory, PORT: '0' }
    const child = spawn(process.execPath, args, { cwd: ROOT, env })
    t.teardown(() => child.kill('SIGKILL'))
    let out = ''
    child.stdout.on('data', chunk => (out += String(chunk)))
    child.stderr.on('data', chunk => (out += String(chunk)))
    const until = async (pattern: RegExp) => {
      while (!pattern.test(out)) await once(child.stdout, 'data')
    }
    await until(/-d '\{"user_id"/)
    const [, url = ''] = /curl -X POST (\S+)/.exec(out) ?? []
    const registration = readFileSync(join(directory, 'registration.yaml'), 'utf8')
    const [, token] = /^hs_token: "(.+)"$/m.exec(registration) ?? []
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: /-d '(\{.+)'/.exec(out)?.[1] ?? '',
    })
    t.equal(answer.status, 200)
    await until(/The user is erased \{ requestId: '[0-9a-f-]{36}' \}/)
    t.same(findResidue('@bob:example.org', [directory]), [])
    const [, ...afterwards] = out.split(`-d '{"user_id": "@bob:example.org"}'`)
    t.notMatch(afterwards.join(''), /bob/)
    child.kill('SIGTERM')
    await once(child, 'exit')
    t.equal(child.exitCode ?? child.signalCode, 0, 'it closes by itself')
  },
)

t.test('a port that is taken is one line, and the way out (9.29)', async t => {
  const blocker = createServer()
  await new Promise<void>(resolve => void blocker.listen(0, '127.0.0.1', resolve))
  t.teardown(() => blocker.close())
  const { port } = blocker.address() as { port: number }
  const env = { DATA_DIR: t.testdir(), PORT: String(port) }
  const ended = await runProgram('examples/quickstart.ts', [], { env })
  t.match(ended, {
    code: 1,
    stderr: /^Cannot listen on port \d+ .*choose another port\n$/,
  })
})
