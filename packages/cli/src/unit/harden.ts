/** What the service needs: the hardening must not take it away. */
export interface Hardening {
  /** Every path, links included, by which the service reaches its files. */
  paths: readonly string[]
  /** It binds a port below 1024 itself. */
  privilegedPort: boolean
}

/**
 * The lines that harden the service of a Node program. `MemoryDenyWriteExecute=` is missing, because V8
 * compiles at run time. `@pkey` is allowed besides `@system-service`, because V8 protects its code with memory protection
 * keys.
 */
export function hardening({ paths, privilegedPort }: Hardening): string[] {
  const below = (...roots: string[]): boolean =>
    paths.some((path) => roots.some((root) => path.startsWith(`${root}/`)))
  const capability = privilegedPort ? 'CAP_NET_BIND_SERVICE' : ''
  return [
    `CapabilityBoundingSet=${capability}`,
    ...(privilegedPort ? [`AmbientCapabilities=${capability}`] : []),
    'LockPersonality=yes',
    'NoNewPrivileges=yes',
    'PrivateDevices=yes',
    // With PrivateTmp=, a program below /tmp would not be found.
    ...(below('/tmp', '/var/tmp') ? [] : ['PrivateTmp=yes']),
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    ...(below('/home', '/root', '/run/user')
      ? ['# With yes, the service would not find its program.', 'ProtectHome=read-only']
      : ['ProtectHome=yes']),
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'ProtectProc=invisible',
    'ProtectSystem=strict',
    'RemoveIPC=yes',
    // AF_NETLINK is for os.networkInterfaces().
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'SystemCallArchitectures=native',
    'SystemCallErrorNumber=EPERM',
    'SystemCallFilter=@system-service @pkey',
    'UMask=0077',
  ]
}
