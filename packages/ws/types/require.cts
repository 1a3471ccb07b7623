import ws = require('ws')
import socketPortWs = require('@socket-port/ws')

const wss = new ws.WebSocketServer({ port: 8080 })
wss.on('connection', (_, request) => socketPortWs.attachmentOf<number>(request)?.toFixed())
