import type { Socket } from "node:net";
import type { ChannelInterface, experimental } from "@grpc/grpc-js";
import { Channel, ChannelCredentials, credentials } from "@grpc/grpc-js";
import { targetOf } from "./fixed-addresses.ts";
import type { InstanceTls } from "./instance-tls.ts";
import { maxMessageBytes } from "./rpcs.ts";

/** The length of the head of an HTTP/2 frame (RFC 9113, 4.1). A server sends its SETTINGS first. */
const frameHeadBytes = 9;

/**
 * A channel of grpc-js that leaves nothing open once it is closed.
 *
 * grpc-js waits for ever for the first frame of a server that accepted its TCP connection, and keeps the socket of
 * such a connection even when its channel is closed. So this holds the sockets of the channel.
 */
export class GrpcClient {
  readonly channel: ChannelInterface;
  readonly #sockets: SilentSockets;

  /**
   * Begins to connect to one of these addresses of an endpoint. Between two attempts it pauses for
   * `longestPauseMs` at most.
   */
  constructor(endpoint: string, addresses: readonly string[], longestPauseMs: number, tls?: InstanceTls) {
    this.#sockets = new SilentSockets(tls);
    this.channel = new Channel(targetOf(endpoint, addresses), this.#sockets, {
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": longestPauseMs,
      // By default grpc-js takes a proxy from http_proxy and similar variables.
      "grpc.enable_http_proxy": 0,
      "grpc.enable_retries": 0,
      "grpc.enable_channelz": 0,
      "grpc.max_receive_message_length": maxMessageBytes,
      "grpc.max_send_message_length": maxMessageBytes,
      // In grpc-js's shared pool a new client would get the subchannel in which the replaced one was stuck.
      "grpc.use_local_subchannel_pool": 1,
      "grpc.service_config_disable_resolution": 1,
    });
  }

  /** Calls under way go on, until they end or time out. */
  close(): void {
    this.channel.close();
    this.#sockets.close();
  }
}

/**
 * Credentials for connections with TLS or without, which know the sockets over which the server has said nothing
 * yet. What it says in a handshake does not count: a TLSSocket counts the bytes that were in TLS.
 */
class SilentSockets extends ChannelCredentials {
  readonly #tls: InstanceTls | undefined;
  readonly #sockets = new Set<Socket>();
  #closed = false;

  constructor(tls: InstanceTls | undefined) {
    super();
    this.#tls = tls;
  }

  /** Destroys those sockets, and the ones that connect from now on. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets) if (socket.bytesRead < frameHeadBytes) socket.destroy();
  }

  override _isSecure(): boolean {
    return this.#tls !== undefined;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(): experimental.SecureConnector {
    return {
      connect: async (socket) => {
        if (this.#closed) throw new Error("closed");
        if (!this.#tls) return { socket: this.#hold(socket), secure: false };
        const { secure, done } = this.#tls.begin(socket);
        this.#hold(secure);
        await done;
        return { socket: secure, secure: true };
      },
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => credentials.createEmpty(),
      destroy: () => {},
    };
  }

  #hold(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}
