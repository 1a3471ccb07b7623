export {
  type SocketPortOptions,
  socketPort as default,
  // What `require` returns (nodejs.org/api/modules.html#loading-ecmascript-modules-using-require).
  socketPort as 'module.exports',
  socketPort,
} from './plugin.ts'
