import { type ChildProcess, spawn } from 'node:child_process'
import { CHECKOUT, pathInBox } from './paths.ts'

export interface BootPaths {
  /** The box's own folder: units, generators, kmsg, machine-id. */
  dir: string
  cgroup: string
  /** The folder that is the box's root file system; empty for the host's own. */
  root: string
  /** The path of systemd in the box. */
  systemd: string
  /** A folder that is writable in the box, as /tmp is. The rest of the root file system of the host is read-only. */
  tmp: string
}

/**
 * Runs in the namespaces of the host. It joins the cgroup of the box first, because `unshare --cgroup` makes the
 * current cgroup the root. The parent of PID 1 then moves to a cgroup of its own: systemd cannot move a process of another
 * PID namespace out of the root cgroup, and delegates no controllers while one is there. With `--pdeathsig` and
 * `--kill-child`, the box ends when this process ends.
 */
const OUTSIDE = `
echo 0 > "$cgroup/cgroup.procs"
exec setpriv --pdeathsig KILL unshare --cgroup sh -euc '
  mkdir "$cgroup/parent"
  echo 0 > "$cgroup/parent/cgroup.procs"
  exec unshare --pid --fork --mount --uts --ipc --kill-child --mount-proc sh -euc "$inside"
'
`

/**
 * Runs as PID 1 of the box, and executes systemd in the end. First it makes read-only, or replaces, what systemd would
 * change on the host: /dev (systemd creates nodes), /proc/sys (systemd raises sysctls of the shared network namespace),
 * /etc (systemd writes machine-id). The box has a boot id of its own, because systemd names PrivateTmp= folders by it.
 * The root of another release is in the temporary folder, and several boxes share it, so it is read-only too.
 */
const INSIDE = `
if [ -n "$root" ]; then mount --bind "$root" "$root"; fi
mount --bind /proc "$root/proc"
mount --bind /sys "$root/sys"
mount -o remount,bind,ro "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
echo 0 > "$root/sys/fs/cgroup/cgroup.procs"
mount --bind /proc/sys "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"

mount -t tmpfs -o mode=755 tmpfs "$root/run"
dev="$root/run/dev"
mkdir "$dev"
mount -t tmpfs -o mode=755 tmpfs "$dev"
for device in null zero full random urandom tty; do
  : > "$dev/$device"
  mount --bind "/dev/$device" "$dev/$device"
done
: > "$dev/kmsg"
mount --bind "$dir/kmsg" "$dev/kmsg"
mkdir "$dev/pts" "$dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$dev/pts"
mount -t tmpfs tmpfs "$dev/shm"
ln -s pts/ptmx "$dev/ptmx"
ln -s /proc/self/fd "$dev/fd"
ln -s /proc/self/fd/0 "$dev/stdin"
ln -s /proc/self/fd/1 "$dev/stdout"
ln -s /proc/self/fd/2 "$dev/stderr"
mount --move "$dev" "$root/dev"

mkdir "$root$checkoutInBox"
mount --rbind "$checkout" "$root$checkoutInBox"
mount -o remount,bind,ro "$root$checkoutInBox"
: > "$root$nodeInBox"
mount --bind "$node" "$root$nodeInBox"

mount --bind "$dir/machine-id" "$root/etc/machine-id"
mount --bind "$dir/boot-id" "$root/proc/sys/kernel/random/boot_id"
mount -t tmpfs -o mode=1777 tmpfs "$root/var/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/var/cache"
for folder in /tmp "$tmp"; do mount --bind "$folder" "$root$folder"; done
mount -o remount,bind,ro "$root/"
if [ -n "$root" ]; then
  cd "$root"
  pivot_root . mnt
  umount --lazy /mnt
fi

exec env -i container=socket-port PATH="$PATH" SYSTEMD_UNIT_PATH="$dir/units" \\
  SYSTEMD_GENERATOR_PATH="$dir/none" SYSTEMD_ENVIRONMENT_GENERATOR_PATH="$dir/none" \\
  "$systemd" --system --unit=box.target --log-target=kmsg --show-status=no
`

const shown = {
  checkout: CHECKOUT,
  checkoutInBox: pathInBox(CHECKOUT),
  node: process.execPath,
  nodeInBox: pathInBox(process.execPath),
}

/** Spawns systemd as PID 1 of new namespaces; the child ends when the last process of the box has. */
export function spawnSystemd(paths: BootPaths): ChildProcess {
  return spawn('sh', ['-euc', OUTSIDE], {
    env: { PATH: process.env.PATH, inside: INSIDE, ...shown, ...paths },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}
