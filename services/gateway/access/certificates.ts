import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/**
 * The names of the certificate that a client has proved to own: the URIs and DNS names of its subjectAltName.
 * Empty without a certificate, and with one that GATEWAY_TLS_CLIENT_CA_FILE has not signed or that is over.
 */
export function certificateNames(socket: Socket): string[] {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return [];
  const { subjectaltname = "" } = socket.getPeerCertificate();
  // For example `URI:spiffe://example/client, DNS:client.example`. A name in quotes has a comma, and is not used.
  return subjectaltname
    .split(", ")
    .filter((each) => /^(URI|DNS):[^"]+$/.test(each))
    .map((each) => each.slice(each.indexOf(":") + 1));
}
