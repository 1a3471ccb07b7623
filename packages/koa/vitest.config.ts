import { majors } from '../../test/vitest.majors.ts'

export default majors('koa', 3, 2)
