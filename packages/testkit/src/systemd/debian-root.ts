import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, mkdir, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { debianMirrors } from './apt-sources.ts'

const run = promisify(execFile)

const PACKAGES = 'systemd,systemd-sysv'

/** A download of some 80 packages, and their set-up. */
const BUILD_TIMEOUT = 600_000

/** A tmp that is cleaned by age loses single files: it is whole while it has as many as it was built with. */
const WHOLE = '[ "$(find "$1/root" -xdev | wc -l)" = "$(cat "$1/files")" ]'

/**
 * Holds the lock until it and all it started are gone, and goes with us. The mounts that debootstrap
 * makes are in a namespace of their own: a build that is killed leaves files, which the next one removes.
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
 * The root of a Debian release with systemd in it, for a box. It is built once per machine, with
 * debootstrap from apt's own mirror, into the folder for temporary files; throws an error that says why
 * it cannot be.
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
    // debootstrap knows the release by the keys of that package, and must not go on without them.
    const hint = /keyring/i.test(why) ? ' (apt-get install debian-archive-keyring)' : ''
    throw new Error(`debootstrap could not build Debian ${release} from ${mirror}: ${why}${hint}`)
  })
  return root
}

/** What is executed as root must have been written by root, and /tmp is everybody's. */
async function cache(tmp: string): Promise<string> {
  const folder = join(tmp, 'socket-port-roots')
  await mkdir(folder, { mode: 0o700, recursive: true })
  const { uid } = await lstat(folder)
  if (uid === process.getuid?.()) return folder
  throw new Error(`${folder} belongs to uid ${uid}; remove it`)
}

/** Another recipe is another root. */
function recipe(tmp: string): string {
  return createHash('sha256').update([PACKAGES, BUILD, tmp].join('\n')).digest('hex').slice(0, 12)
}

/** The first of apt's mirrors that has the release. wget is what debootstrap uses, proxies and all. */
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
