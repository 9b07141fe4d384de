import assert from "node:assert/strict";
import { test } from "node:test";
import { status as grpc } from "@grpc/grpc-js";
import { decodeResponse, encodeRequest } from "../../../libs/kato/codec.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { answerQuery } from "../../../services/worker/processor/answer-query.ts";
import { OneProcessor, observe } from "./one-processor.ts";

async function answered(
  method: string,
  data: Uint8Array = new Uint8Array(),
): Promise<[status: number, called: Method[]]> {
  const called: Method[] = [];
  const call = async (calling: Method) => {
    called.push(calling);
    return { kind: "response" as const, bytes: Buffer.alloc(0) };
  };
  const { grpcStatus } = await answerQuery({ call }, { method, data }, "latest");
  return [grpcStatus, called];
}

const predictionsOf = (unique_id: string) => encodeRequest("GetPredictions", { unique_id });

test("only a query is answered as one: a command that is sent as a query is not called (A2)", async () => {
  assert.deepEqual(await answered("GetWorkingMemory"), [grpc.OK, ["GetWorkingMemory"]]);
  for (const method of ["Observe", "Learn", "ClearAllMemory", "Sequence", "nothing", ""]) {
    assert.deepEqual(await answered(method), [grpc.UNIMPLEMENTED, []], method);
  }
});

test("predictions are given for the latest observation, and for no other", async () => {
  assert.deepEqual(await answered("GetPredictions", predictionsOf("latest")), [
    grpc.OK,
    ["GetAllPredictions"],
  ]);
  assert.deepEqual(await answered("GetPredictions", predictionsOf("earlier")), [grpc.UNIMPLEMENTED, []]);
});

test("a query that is to see a command is answered once that is applied, and not before", async () => {
  const processor = new OneProcessor([observe(1, ["a"]), observe(2, ["b"])]);
  let seen: string | undefined;
  processor.onCall = (method, request) => {
    if (method !== "Observe" || !Buffer.from(request).includes("o1")) return undefined;
    const query = { method: "GetWorkingMemory", data: new Uint8Array(), after: 2, waitMs: 60_000 };
    void processor.slot.query(query).then(({ data }) => {
      seen = decodeResponse("GetWorkingMemory", Buffer.from(data)).message;
    });
    return undefined;
  };
  await processor.start();
  await processor.until("it is answered", () => seen !== undefined);
  assert.equal(seen, '[["a"],["b"]]');
});
