import { status as grpc } from "@grpc/grpc-js";
import type { Reply } from "../../libs/commands/reply.ts";
import type { CallResult } from "../../libs/kato/channel.ts";
import { decodeRequest } from "../../libs/kato/codec.ts";
import { changeRecallThreshold } from "../../libs/kato/compound.ts";
import { readObservationHead, readResponseHead } from "../../libs/kato/heads.ts";
import { isMethod, rpcs } from "../../libs/kato/rpcs.ts";
import { workingMemory } from "./auto-learn.ts";
import { CallFailed } from "./call.ts";
import type { Instance } from "./instance.ts";
import { applyRecallThresholdChange } from "./recall-threshold.ts";

/** What came of a command or a query; its place in the log is the applier's to add. */
export type Result = Omit<Reply, "sequence">;

type CommandLike = { method: string; data: Uint8Array };

/**
 * Applies one command to the instance, whatever that takes of calls of its own before and after. Undefined when it had no
 * effect because the instance was not there: it may be applied later.
 */
export async function applyCommand(instance: Instance, command: CommandLike): Promise<Result | undefined> {
  try {
    if (command.method === "Observe") return await observe(instance, command.data);
    if (command.method === changeRecallThreshold) {
      return resultOf(await applyRecallThresholdChange(instance.call, command.data));
    }
    if (!isMethod(command.method) || rpcs[command.method].kind !== "command") {
      return refused(grpc.UNIMPLEMENTED, `no such command: ${command.method}`);
    }
    const result = resultOf(await instance.call(command.method, command.data));
    if (result?.outcome === "applied") {
      if (rpcs[command.method].resetsWorkingMemory) instance.autoLearn.workingMemoryReset();
      if (command.method === "UpdateGenes")
        await instance.autoLearn.genesUpdated(instance.call, command.data);
    }
    return result;
  } catch (error) {
    // A call of the applier's own before the command's: nothing has changed yet.
    if (error instanceof CallFailed) return undefined;
    throw error;
  }
}

async function observe(instance: Instance, request: Uint8Array): Promise<Result | undefined> {
  const { autoLearn, call } = instance;
  const { hasSymbols } = readObservationHead(request);
  const isDue = autoLearn.isDue(hasSymbols);
  const before = isDue ? await workingMemory(call) : [];
  const result = resultOf(await call("Observe", request));
  if (result === undefined || result.outcome === "unknown") return result;
  try {
    if (result.outcome === "failed") await autoLearn.countEvents(call);
    else if (isDue) result.autoLearnedModel = await autoLearn.learned(call, before, request, hasSymbols);
    else autoLearn.observed(hasSymbols);
  } catch (error) {
    // The Observe stands; the next attach counts the events again.
    if (!(error instanceof CallFailed)) throw error;
  }
  return result;
}

/**
 * Answers one query. GetPredictions, which this KATO cannot do, is GetAllPredictions where it asks for the latest
 * observation's (API.md, One processor). Undefined when the instance was not there.
 */
export async function answerQuery(
  instance: Instance,
  query: CommandLike,
  latestUniqueId: string,
): Promise<Result | undefined> {
  if (!isMethod(query.method) || rpcs[query.method].kind !== "query") {
    return refused(grpc.UNIMPLEMENTED, `no such query: ${query.method}`);
  }
  if (query.method !== "GetPredictions") return resultOf(await instance.call(query.method, query.data));
  const { unique_id } = decodeRequest("GetPredictions", Buffer.from(query.data));
  if (unique_id !== latestUniqueId) {
    return refused(grpc.UNIMPLEMENTED, "KATO gives predictions for the latest observation only");
  }
  return resultOf(await instance.call("GetAllPredictions", new Uint8Array()));
}

/** A result without any effect on the instance. */
export function refused(grpcStatus: number, detail: string): Result {
  return { outcome: "failed", grpcStatus, detail, autoLearnedModel: "", data: new Uint8Array() };
}

function resultOf(result: CallResult): Result | undefined {
  if (result.kind === "not-sent") return undefined;
  if (result.kind === "response") {
    const outcome = readResponseHead(result.bytes).failed ? "failed" : "applied";
    return { outcome, grpcStatus: grpc.OK, detail: "", autoLearnedModel: "", data: result.bytes };
  }
  const outcome = result.kind === "unseen" ? "unknown" : "failed";
  return { ...refused(result.status, result.details), outcome };
}
