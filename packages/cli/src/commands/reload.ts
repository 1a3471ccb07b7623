import { type Command, defineCommand } from '../command-line/command.ts'
import { ask, showAnswer, type TargetName, targetOptions } from './control.ts'

export const reloadCommand: Command = defineCommand<TargetName>({
  name: 'reload',
  summary: 'Restart with overlap, and wait for the outcome.',
  details:
    'Ends with 0 when the new process serves. Ends with 1, and shows what the new process said, when it failed; the old one then serves on.',
  options: targetOptions,
  examples: [
    ['socket-port reload', 'The last line of a deploy script.'],
    ['socket-port reload --name web', 'Where several socket-port run are there.'],
  ],
  async execute(parsed, io) {
    const answer = await ask('reload', parsed, io)
    showAnswer(answer, io)
    return answer.exitCode
  },
})
