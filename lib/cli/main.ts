#!/usr/bin/env node
// Nothing is imported before the check: the rest does not even load on an older Node.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 19)) {
  const { runCli } = await import('./run-cli.ts')
  process.exitCode = await runCli(process.argv.slice(2), process.env, process)
} else {
  process.stderr.write(
    `matrix-appservice-erasure needs Node 22.19 or newer; this is ${process.version}\n`,
  )
  process.exitCode = 2
}
