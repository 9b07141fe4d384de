/** A server's address as it may stand in a log: without the user and the password that it may hold. */
export function withoutUser(server: string): string {
  // Up to the last @, as a password that should have been percent-encoded may hold any sign.
  return server.replace(/^([a-z]+:\/\/)?.*@/is, "$1");
}
