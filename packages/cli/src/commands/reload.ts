import { type Command, defineCommand } from '../command-line/command.ts'
import { ask, showAnswer, type TargetName, targetOptions } from './control.ts'

export const reloadCommand: Command = defineCommand<TargetName>({
  name: 'reload',
  elsewhere: ['restart'],
  summary: 'Restart with overlap, and wait until the new process serves.',
  details:
    'The exit code is 0 when the new process serves. It is 1 when the new process failed: then its last output is shown, and the old process continues to serve.',
  options: targetOptions,
  examples: [
    ['socket-port reload', 'Deploy: the last line of the script.'],
    ['socket-port reload --name web', 'Choose one of several socket-port run.'],
  ],
  async execute(parsed, io) {
    const answer = await ask('reload', parsed, io)
    showAnswer(answer, io)
    return answer.exitCode
  },
})
