// Opens the store at argv[2], as a user without rights if argv[3] is `nobody` and that can be had,
// only for reading if there is an argv[4]. Prints the code and the message of the error.
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'

const [path = '', user, reading] = process.argv.slice(2)
const NOBODY = 65_534
if (user === 'nobody' && process.getuid?.() === 0) {
  process.setgroups?.([])
  process.setgid?.(NOBODY)
  process.setuid?.(NOBODY)
}
try {
  await sqliteStore({ path, readOnly: reading !== undefined }).disconnect?.()
  console.log('open')
} catch (error) {
  const { code, message } = error as Error & { code: string }
  console.log(code, message)
}
