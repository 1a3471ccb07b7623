export { type ActivateOptions, socketActivate } from './activate.ts'
export {
  RELEASES,
  type Release,
  releaseSkipReason,
  systemdSkipReason,
} from './availability.ts'
export { type BootOptions, bootSystemd } from './box.ts'
export { pathInBox } from './paths.ts'
export type { Outcome } from './run-in.ts'
export type { SystemdBox } from './systemd-box.ts'
export { readUnits, type Units } from './unit-files.ts'
