/** `server.keepAliveTimeout` of the measured servers, in milliseconds: idle connections must outlive the measurement. */
export const KEEP_ALIVE = 600_000
