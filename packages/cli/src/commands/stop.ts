import { type Command, defineCommand } from '../command-line/command.ts'
import { ask, showAnswer, type TargetName, targetOptions } from './control.ts'

export const stopCommand: Command = defineCommand<TargetName>({
  name: 'stop',
  elsewhere: ['kill', 'delete'],
  summary: 'Drain every process, close the sockets, and wait until every process has ended.',
  options: targetOptions,
  examples: [['socket-port stop', 'Stop, from another terminal or from a script.']],
  async execute(parsed, io) {
    const answer = await ask('stop', parsed, io)
    showAnswer(answer, io)
    return answer.exitCode
  },
})
