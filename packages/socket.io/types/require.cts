import socketIo = require('socket.io')
import socketPort = require('@socket-port/socket.io')

socketPort.handOverSocketIo(new socketIo.Server(8080))
