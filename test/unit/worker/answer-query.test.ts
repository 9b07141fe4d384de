import assert from "node:assert/strict";
import { test } from "node:test";
import { status as grpc } from "@grpc/grpc-js";
import { encodeRequest } from "../../../libs/kato/codec.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { answerQuery } from "../../../services/worker/processor/answer-query.ts";

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
