/** Paths of the libraries and native add-ons that this process has loaded. */
export function sharedObjects(): string[] {
  // Typed as a string or an object by version of @types/node; it has always been an object.
  const report = process.report?.getReport() as unknown as { sharedObjects: string[] }
  return report.sharedObjects
}
