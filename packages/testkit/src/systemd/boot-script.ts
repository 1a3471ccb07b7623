import { type ChildProcess, spawn } from 'node:child_process'
import { CHECKOUT, pathInBox } from './paths.ts'

export interface BootPaths {
  /** The box's own folder: units, generators, kmsg, machine-id. */
  dir: string
  cgroup: string
  /** The folder that is the box's root file system; empty for the host's own. */
  root: string
  /** As the box sees it. */
  systemd: string
  /** Stays writable in the box, as /tmp does; nothing else of the host's root file system does. */
  tmp: string
}

/**
 * Runs in the host's namespaces. `unshare --cgroup` makes the cgroup of that moment the root, so it is
 * joined first. The parent of PID 1 then moves aside: systemd cannot move a process of another PID
 * namespace out of its root, and hands no controllers down while one is there. `--pdeathsig` and
 * `--kill-child` chain the life of the box to ours.
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
 * Runs as PID 1 of the box and becomes systemd. What systemd would change on the host is made
 * read-only or replaced first: /dev (it creates nodes), /proc/sys (it raises sysctls of the shared
 * network namespace), /etc (it writes machine-id). A boot id of its own names its PrivateTmp= folders.
 * A root of its own lies in the folder for temporary files, which several boxes share: it is never written.
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
