import type { Socket } from "node:net";
import { isIP } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { connect } from "node:tls";
import type { Environment } from "../config/environment.ts";
import type { TlsFiles } from "../config/tls-files.ts";
import { followedContext, tlsFiles } from "../config/tls-files.ts";
import { addressOf } from "./address.ts";

/** Gives the context for the next connection to an instance with TLS. */
export type InstanceContext = () => SecureContext;

/** Reads the settings that name the files for instances with TLS. Wrong ones are noted in `environment`. */
export function instanceTlsFiles(environment: Environment): TlsFiles {
  const settings = { ca: "INSTANCE_CA_FILE", cert: "INSTANCE_CERT_FILE", key: "INSTANCE_KEY_FILE" } as const;
  return tlsFiles(environment, settings) ?? {};
}

/** The context that all instances share. The log is told when files that have changed are of no use. */
export function instanceContext(
  files: TlsFiles,
  log: { warn(fields: object, message: string): void },
): InstanceContext {
  return followedContext(files, (reason) =>
    log.warn({ reason }, "the files for instances with TLS cannot be used, those from before are used"),
  );
}

/** What a failure of OpenSSL or Node means here. Node's own words may name the host, which not all may see. */
const meanings: [RegExp, string][] = [
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, "its certificate is not for the host of its endpoint"],
  [/^CERT_HAS_EXPIRED$/, "its certificate has expired"],
  [/^CERT_NOT_YET_VALID$/, "its certificate is not valid yet"],
  [
    /SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)|CERT_SIGNATURE_FAILURE/,
    "no CA that is trusted has issued its certificate",
  ],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/, "what answers at its endpoint has no TLS"],
  [
    /ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_)|HANDSHAKE_FAILURE/,
    "it does not accept the worker's certificate",
  ],
  [/^ECONNRESET$/, "its connection ended during the handshake"],
];

/** TLS with one instance, which is verified for the host of its endpoint, to whatever address it connects. */
export class InstanceTls {
  readonly #host: string;
  readonly #context: InstanceContext;
  #failure: string | undefined;

  constructor(endpoint: string, context: InstanceContext) {
    // A certificate's names do not end with a dot.
    this.#host = addressOf(endpoint).host.replace(/\.$/, "");
    this.#context = context;
  }

  /** Why TLS failed lately, in words for people; undefined if it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  #contextNow(): SecureContext {
    try {
      return this.#context();
    } catch (error) {
      this.#failure = "the files for instances with TLS cannot be used";
      throw error;
    }
  }

  /** Begins a handshake over a connection. `done` rejects if it fails. */
  begin(socket: Socket): { secure: TLSSocket; done: Promise<void> } {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    const secure = connect({
      socket,
      secureContext: this.#contextNow(),
      // By this name the certificate is checked.
      host: this.#host,
      ...(isIP(this.#host) === 0 && { servername: this.#host }),
      ALPNProtocols: ["h2"],
    });
    secure.once("secureConnect", () => {
      this.#failure = undefined;
      resolve();
    });
    // It stays: with TLS 1.3 a server refuses a client's certificate after the handshake.
    secure.on("error", (error: NodeJS.ErrnoException) => {
      const { code = "", message } = error;
      this.#failure = meanings.find(([pattern]) => pattern.test(code))?.[1] ?? message;
      reject(error);
    });
    secure.once("close", () => reject(new Error("closed")));
    return { secure, done };
  }
}
