import { type Command, defineCommand } from '../command-line/command.ts'
import { ask, showAnswer, type TargetName, targetOptions } from './control.ts'

export const stopCommand: Command = defineCommand<TargetName>({
  name: 'stop',
  summary: 'Drain every process and close the sockets, and wait until that is done.',
  options: targetOptions,
  examples: [['socket-port stop', 'What Ctrl-C does in its terminal.']],
  async execute(parsed, io) {
    const answer = await ask('stop', parsed, io)
    showAnswer(answer, io)
    return answer.exitCode
  },
})
