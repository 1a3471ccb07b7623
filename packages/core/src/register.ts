// The preload: `node --import @socket-port/core/register server.js`. docs/register.md describes it.
import './register/preload.ts'
