/** Clients that have been answered once when they have started. */
export interface StrictClients<Failure> {
  stop(): Promise<{ readonly requests: number; readonly failures: readonly Failure[] }>
}
