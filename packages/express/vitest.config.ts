import { majors } from '../../test/vitest.majors.ts'

export default majors('express', 5, 4)
