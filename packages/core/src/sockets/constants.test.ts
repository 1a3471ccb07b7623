import { spawnSync } from 'node:child_process'
import { commandSkipReason, requireOrSkip } from '@socket-port/testkit/requirements'
import { afterEach, describe, expect, test, vi } from 'vitest'

/** The compiler for programs of this machine by libc, and those for others: what is installed of them is asked too. */
const HERE = ['gcc', 'musl-gcc']
const ELSEWHERE = {
  'aarch64-linux-gnu-gcc': 'arm64',
  'arm-linux-gnueabihf-gcc': 'arm',
  'i686-linux-gnu-gcc': 'ia32',
  'loongarch64-linux-gnu-gcc': 'loong64',
  'powerpc64le-linux-gnu-gcc': 'ppc64',
  'riscv64-linux-gnu-gcc': 'riscv64',
} as const

const HEADERS = [
  'errno.h',
  'fcntl.h',
  'net/if.h',
  'netinet/in.h',
  'netinet/tcp.h',
  'poll.h',
  'stddef.h',
  'sys/mman.h',
  'sys/socket.h',
  'sys/syscall.h',
  'sys/time.h',
  'sys/un.h',
  'sys/wait.h',
]

// Newer than some headers: Linux 6.3 and 6.5.
const NEW = ['MFD_NOEXEC_SEAL', 'SO_PEERPIDFD']

// Those that take a timeval of two longs. Where time_t is longer than a long, the plain names stand for others.
const OLD = ['SO_RCVTIMEO', 'SO_SNDTIMEO']

const arch = Object.getOwnPropertyDescriptor(process, 'arch') ?? {}
afterEach(() => {
  Object.defineProperty(process, 'arch', arch)
  vi.resetModules()
})

const isNumber = (entry: [string, unknown]): entry is [string, number] =>
  typeof entry[1] === 'number'

/** A C program that compiles if the numbers and structs of libc are those that this room uses on `name`. */
async function programFor(name: string): Promise<string> {
  Object.defineProperty(process, 'arch', { ...arch, value: name })
  vi.resetModules()
  const { WORD, LONGEST_UNIX_PATH, ...constants } = await import('./constants.ts')
  const { controlSize, passFds } = await import('./ancillary.ts')
  const asserted: [left: string, right: number][] = [
    ...Object.entries<unknown>(constants).filter(isNumber),
    ['sizeof(long)', WORD],
    ['sizeof(ssize_t)', WORD],
    ['sizeof(nfds_t)', WORD],
    ['sizeof(socklen_t)', 4],
    ['sizeof(((struct sockaddr_un *)0)->sun_path)', LONGEST_UNIX_PATH + 1],
    ['offsetof(struct sockaddr_un, sun_path)', 2],
    ['offsetof(struct sockaddr_in, sin_port)', 2],
    ['offsetof(struct sockaddr_in, sin_addr)', 4],
    ['sizeof(struct sockaddr_in)', 16],
    ['offsetof(struct sockaddr_in6, sin6_port)', 2],
    ['offsetof(struct sockaddr_in6, sin6_addr)', 8],
    ['offsetof(struct sockaddr_in6, sin6_scope_id)', 24],
    ['sizeof(struct sockaddr_in6)', 28],
    // struct msghdr: a field of four bytes where koffi writes a size_t has padding at its end.
    ...['name', 'namelen', 'iov', 'iovlen', 'control', 'controllen', 'flags'].map(
      (field, at): [string, number] => [`offsetof(struct msghdr, msg_${field})`, at * WORD],
    ),
    ['sizeof(struct iovec)', 2 * WORD],
    ['offsetof(struct iovec, iov_len)', WORD],
    ['sizeof(struct cmsghdr)', WORD + 8],
    ['offsetof(struct cmsghdr, cmsg_level)', WORD],
    ['offsetof(struct cmsghdr, cmsg_type)', WORD + 4],
    ['CMSG_SPACE(3 * sizeof(int))', passFds([1, 2, 3]).length],
    ['CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))', controlSize(1)],
    ['offsetof(struct pollfd, events)', 4],
    ['offsetof(struct pollfd, revents)', 6],
    ['sizeof(struct pollfd)', 8],
    ['POLLIN', 1],
    ['WNOHANG', 1],
    ['SYS_pidfd_send_signal', 424],
    ['SYS_pidfd_open', 434],
  ]
  const lines = asserted.map(([left, right]) => {
    const assertion = `_Static_assert((${left}) == ${right}, "${left}");`
    if (OLD.includes(left)) {
      const old = `_Static_assert(${left}_OLD == ${right}, "${left}");`
      return `#ifdef ${left}_OLD\n${old}\n#else\n${assertion}\n#endif`
    }
    return NEW.includes(left) ? `#ifdef ${left}\n${assertion}\n#endif` : assertion
  })
  return [
    '#define _GNU_SOURCE',
    ...HEADERS.map((header) => `#include <${header}>`),
    ...lines,
    '',
  ].join('\n')
}

function compile(compiler: string, program: string): string {
  const args = ['-x', 'c', '-fsyntax-only', '-']
  const { stderr } = spawnSync(compiler, args, { input: program, encoding: 'utf8' })
  return stderr
}

describe('numbers and structs are those of the C headers', () => {
  for (const compiler of HERE) {
    describe(...requireOrSkip(compiler, commandSkipReason(compiler)), () => {
      test('of this machine', async () => {
        expect(compile(compiler, await programFor(process.arch))).toBe('')
      })

      test('negative control: not those of another word or processor', async () => {
        const other = process.arch === 'ppc64' ? 'arm' : 'ppc64'
        expect(compile(compiler, await programFor(other))).toContain('SO_PASSCRED')
      })
    })
  }

  const installed = Object.entries(ELSEWHERE).filter(
    ([compiler]) => commandSkipReason(compiler) === undefined,
  )
  for (const [compiler, name] of installed) {
    test(`of ${name}, by ${compiler}`, async () => {
      expect(compile(compiler, await programFor(name))).toBe('')
    })
  }
})
