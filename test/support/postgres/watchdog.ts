import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Waits until nobody holds its standard input any more, then has the server shut down at once
 * and removes the folder. More than once, since a program that was just starting goes on for a
 * while; the server itself ends when its folder is gone.
 */
const SCRIPT = `
  cat > /dev/null
  for round in 1 2 3 4 5; do
    if read -r pid 2> /dev/null < "$0/data/postmaster.pid"; then
      kill -QUIT "$pid" 2> /dev/null
      waited=0
      # The file goes when the server has ended, whenever it is reaped.
      while [ -e "$0/data/postmaster.pid" ] && [ $waited -lt 100 ]; do
        kill -0 "$pid" 2> /dev/null || break
        sleep 0.05
        waited=$((waited + 1))
      done
    fi
    rm -rf "$0" && [ ! -e "$0" ] && [ $round -gt 1 ] && exit 0
    sleep 0.1
  done
`

/** Sees to it that nothing is left of a server, however this process ends. */
export interface Watchdog {
  /** Resolves when the server and its folder are gone. */
  end(): Promise<void>
}

/** Starts what removes the server in `folder` when this process ends, be it by SIGKILL. */
export function watch(folder: string): Watchdog {
  // In a session of its own, where no terminal's Ctrl-C gets to it; and in a shell, since tap
  // gets into every Node process.
  const child: ChildProcess = spawn('sh', ['-c', SCRIPT, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  const ended = once(child, 'close')
  child.unref()
  // A test that is over need not wait for it.
  if (child.stdin !== null && 'unref' in child.stdin) (child.stdin.unref as () => void)()
  return {
    async end() {
      child.ref()
      child.stdin?.end()
      await ended
    },
  }
}
