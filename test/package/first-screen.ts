import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { ROOT } from '../support/program.ts'
import { emptyFolder, outsideEnv, pack, run } from './packed.ts'

/** What a reader sees before the first heading, and would type. */
const [screen = ''] = readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n## ')
const [, sample = ''] = /```ts\n(.*?)```/s.exec(screen) ?? []
const [install = ''] = /^npm install .*$/m.exec(screen) ?? []
const [start = '', file = ''] = /^node (\S+)$/m.exec(screen) ?? []

t.setTimeout(300_000)

t.test(
  "README's first screen runs in an empty folder, and has Bob erased by the line it prints",
  async t => {
    t.setTimeout(300_000)
    const tarball = await pack(t)
    const folder = emptyFolder(t)
    writeFileSync(join(folder, file), sample)
    const line = install.replace('matrix-appservice-erasure', tarball)
    const installed = await run(folder, 'sh', ['-c', line])
    t.equal(installed.code, 0, `${install}\n${installed.output}`)

    const env = { ...outsideEnv(), PORT: '0' }
    const child = spawn('sh', ['-c', `exec ${start}`], { cwd: folder, env })
    t.teardown(() => child.kill('SIGKILL'))
    let output = ''
    child.stdout.on('data', chunk => (output += String(chunk)))
    child.stderr.on('data', chunk => (output += String(chunk)))
    const until = async (pattern: RegExp) => {
      while (!pattern.test(output) && child.exitCode === null) {
        await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
      }
      t.match(output, pattern)
    }

    await until(/^curl .*\n.*\n.*-d '.*'$/m)
    const [curl = ''] = /^curl .*\n.*\n.*-d '.*'$/m.exec(output) ?? []
    const sent = await run(folder, 'sh', ['-c', `${curl} -sS -w ' %{http_code}'`])
    t.same(sent, { code: 0, output: '{} 200' })
    await until(/The user is erased/)
    t.notMatch(output, /TYPELESS/, 'Node takes the file for what it is')
    const asked = await run(folder, 'npx', ['matrix-appservice-erasure', 'status'])
    t.match(asked, { code: 0, output: /erased 1/ })
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
    t.equal(child.exitCode, 0, 'it closes by itself')
  },
)
