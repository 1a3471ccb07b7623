import { majors } from '@socket-port/testkit/vitest/majors'

export default majors('koa', 3, 2)
