import { join } from 'node:path'

import t from 'tap'

import { parseUserId } from '../../../lib/matrix/user-id.ts'
import { findResidue } from '../../../lib/testing/handlers/find-residue.ts'
import { scanBytes } from '../../../lib/testing/handlers/scan-bytes.ts'
import { ROOT, runProgram } from '../../support/program.ts'

const USER = '@ze+phyr/in:example.org'

t.test(
  '5. No log line, metric, error or stored error text carries a user ID or a token',
  async t => {
    const directory = t.testdir()
    const program = join(ROOT, 'test/support/erase-noisily.ts')
    const { code, stdout, stderr } = await runProgram(program, [directory, USER])
    t.equal(code, 0)
    const output = stdout + stderr
    t.ok(output.split('\n').length > 100, 'there is output to look at')
    t.match(output, 'A purge handler threw')
    t.match(output, 'is blocked')
    t.match(output, /\[user\]/, 'and the handlers did name the user')
    t.same(scanBytes(parseUserId(USER), Buffer.from(output)), [])
    t.notMatch(output, /hs-token-of/)
    t.same(findResidue(USER, [directory]), [], 'not in a stored error either')
  },
)
