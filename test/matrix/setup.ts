export { fetchNodes as setup } from './nodes.ts'
