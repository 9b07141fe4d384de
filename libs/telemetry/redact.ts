/** A server's address as it may stand in a log: without the user and the password that it may hold. */
export function withoutUser(server: string): string {
  return server.replace(/^([^@/]*\/\/)?[^/]*@/, "$1");
}
