/** Clients that have been answered once when they have started. */
export interface StrictClients<Failure> {
  /** Resolves when so many more requests have ended. */
  more(requests: number): Promise<void>
  stop(): Promise<{ readonly requests: number; readonly failures: readonly Failure[] }>
}
