import type { Command } from '../command-line/command.ts'
import { doctorCommand } from './doctor.ts'
import { freeCommand } from './free.ts'
import { reloadCommand } from './reload.ts'
import { runCommand } from './run.ts'
import { statusCommand } from './status.ts'
import { stopCommand } from './stop.ts'
import { unitCommand } from './unit.ts'

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  runCommand,
  reloadCommand,
  statusCommand,
  stopCommand,
  unitCommand,
  doctorCommand,
  freeCommand,
]
