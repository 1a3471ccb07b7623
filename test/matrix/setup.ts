export { fetchNodes as setup } from '../src/nodes.ts'
