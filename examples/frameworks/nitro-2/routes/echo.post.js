export default defineEventHandler((event) => sendStream(event, getRequestWebStream(event)))
