import { Client, credentials } from "@grpc/grpc-js";
import { pathOf } from "../../libs/kato/codec.ts";
import type { Method } from "../../libs/kato/rpcs.ts";

/** A grpc-js client as it comes, for raw bytes. */
export function openClient(endpoint: string): Client {
  return new Client(endpoint, credentials.createInsecure());
}

/** One unary call, bytes in and bytes out. */
export function callRaw(client: Client, method: Method, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(pathOf(method), same, same, request, (error, response) => {
      if (error) reject(error);
      else resolve(response ?? Buffer.alloc(0));
    });
  });
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
