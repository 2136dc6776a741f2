import { execFileSync } from 'node:child_process'

/** Opens a database in a process of its own, as an operator's shell does, runs SQL and closes it. */
export function inAnotherProcess(path: string, sql: string): void {
  const script = `
    const { DatabaseSync } = require('node:sqlite')
    const database = new DatabaseSync(${JSON.stringify(path)})
    database.exec(${JSON.stringify(sql)})
    database.close()
  `
  execFileSync(process.execPath, ['--no-warnings', '-e', script], { env: {} })
}
