import { describe, expect, it } from 'vitest'
import { parseServiceName } from './cgroup.ts'

describe('parseServiceName', () => {
  it.each([
    ['0::/system.slice/app.service\n', { unit: 'app.service', user: false }],
    ['0::/system.slice/system-app.slice/app@1.service\n', { unit: 'app@1.service', user: false }],
    ['0::/system.slice/app.service/workers/7\n', { unit: 'app.service', user: false }],
    [
      '0::/user.slice/user-1000.slice/user@1000.service/app.slice/app.service\n',
      { unit: 'app.service', user: true },
    ],
    ['9:name=systemd:/system.slice/app.service\n8:pids:/\n', { unit: 'app.service', user: false }],
    [
      '9:name=systemd:/\n8:pids:/other.service\n0::/system.slice/app.service\n',
      { unit: 'app.service', user: false },
    ],
  ])('finds the service in %j', (text, service) => {
    expect(parseServiceName(text)).toEqual(service)
  })

  it.each([
    ['a container', '0::/\n'],
    ['a login session', '0::/user.slice/user-0.slice/session-3.scope\n'],
    ['a terminal', '0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-1.scope\n'],
    ['a container below a service', '0::/system.slice/docker.service/docker-1.scope\n'],
    ["a user's systemd itself", '0::/user.slice/user-1000.slice/user@1000.service/init.scope\n'],
    ['another hierarchy', '8:pids:/system.slice/app.service\n'],
    ['nothing', ''],
  ])('finds none in %s', (_, text) => {
    expect(parseServiceName(text)).toBeUndefined()
  })
})
