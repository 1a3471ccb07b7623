import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, mkdir, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { debianMirrors } from './apt-sources.ts'

const run = promisify(execFile)

const PACKAGES = 'systemd,systemd-sysv,podman,crun'

/** How long the download and set-up of some 120 packages may take. */
const BUILD_TIMEOUT = 600_000

/** Whether the root has as many files as when it was built. Jobs that clean the temporary folder by age remove single files. */
const WHOLE = '[ "$(find "$1/root" -xdev | wc -l)" = "$(cat "$1/files")" ]'

/**
 * The build holds the lock until all of its processes have ended, and it ends with this process. The mounts that
 * debootstrap makes are in a mount namespace of their own. A build that was killed leaves only files, which the next removes.
 */
const LOCKED = `
exec 9> "$folder.lock"
flock 9
exec unshare --mount --pid --fork --kill-child --mount-proc sh -euc "$build"
`

const BUILD = `
whole() { ${WHOLE}; }
whole "$folder" 2> "$folder.log" && exit
rm -rf "$folder" "$folder.new"
mkdir "$folder.new"
root="$folder.new/root"
if ! debootstrap --force-check-gpg --variant=minbase --include="$packages" \\
  "$release" "$root" "$mirror" > "$folder.log" 2>&1; then
  tail -qn 5 "$folder.log" "$root/debootstrap/debootstrap.log" >&2 2> /dev/null || true
  rm -rf "$folder.new"
  exit 1
fi
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
: > "$root/etc/machine-id"
mkdir -p "$root$tmp"
find "$root" -xdev | wc -l > "$folder.new/files"
mv -T "$folder.new" "$folder"
`

/**
 * Returns the root file system of a Debian release with systemd and Podman, for a box. It is built once per machine, by
 * debootstrap, from the mirror of apt, in the temporary folder. Throws an error with the reason if it cannot be built.
 */
export async function debianRoot(release: string): Promise<string> {
  const tmp = await realpath(tmpdir())
  const folder = join(await cache(tmp), `${release}-${recipe(tmp)}`)
  const root = join(folder, 'root')
  if (await succeeds('sh', ['-euc', WHOLE, 'sh', folder])) return root

  if (!(await succeeds('debootstrap', ['--version']))) {
    throw new Error('debootstrap is missing (apt-get install debootstrap)')
  }
  const mirror = await mirrorOf(release)
  console.error(`Building a Debian ${release} in ${folder}, once, from ${mirror}`)
  const variables = { release, folder, mirror, tmp, packages: PACKAGES, build: BUILD }
  await run('setpriv', ['--pdeathsig', 'KILL', 'sh', '-euc', LOCKED], {
    env: { ...process.env, LC_ALL: 'C', ...variables },
    timeout: BUILD_TIMEOUT,
    killSignal: 'SIGKILL',
  }).catch(({ killed, stderr }: { killed: boolean; stderr: string }) => {
    const why = killed ? `not done after ${BUILD_TIMEOUT} ms` : stderr.trim()
    // debootstrap checks the release with the keys of that package. Without them it must not continue.
    const hint = /keyring/i.test(why) ? ' (apt-get install debian-archive-keyring)' : ''
    throw new Error(`debootstrap could not build Debian ${release} from ${mirror}: ${why}${hint}`)
  })
  return root
}

/** Creates the folder of all roots. Throws if it belongs to another user: root executes what is in it. */
async function cache(tmp: string): Promise<string> {
  const folder = join(tmp, 'socket-port-roots')
  await mkdir(folder, { mode: 0o700, recursive: true })
  const { uid } = await lstat(folder)
  if (uid === process.getuid?.()) return folder
  throw new Error(`${folder} belongs to uid ${uid}; remove it`)
}

/** Returns a name for the result of these packages and this script: a change is built in another folder. */
function recipe(tmp: string): string {
  return createHash('sha256').update([PACKAGES, BUILD, tmp].join('\n')).digest('hex').slice(0, 12)
}

/** Returns the first mirror of apt that has the release. Asks with wget, as debootstrap does, so with the same proxies. */
async function mirrorOf(release: string): Promise<string> {
  const tried: string[] = []
  for (const mirror of debianMirrors()) {
    const url = `${mirror}/dists/${release}/InRelease`
    try {
      await run('wget', ['-nv', '--tries=2', '--timeout=20', '-O', '/dev/null', url])
      return mirror
    } catch (error) {
      tried.push((error as Error).message.trim())
    }
  }
  if (tried.length === 0) throw new Error('the sources of apt name no Debian mirror')
  throw new Error(`no mirror of apt's sources gives Debian ${release}: ${tried.join('; ')}`)
}

function succeeds(command: string, args: string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  )
}
