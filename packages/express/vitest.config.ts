import { majors } from '@socket-port/testkit/vitest/majors'

export default majors('express', 5, 4)
