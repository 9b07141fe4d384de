import type { Json, JsonObject } from "../../libs/kato/json.ts";
import type { KatoResponse, RequestOf } from "../../libs/kato/messages.ts";
import type { Method } from "../../libs/kato/rpcs.ts";
import { rpcs } from "../../libs/kato/rpcs.ts";
import type { OnCrashPoint } from "./crash-points.ts";
import { modelJson } from "./memory/knowledge.ts";
import type { Processor } from "./processor.ts";
import { jsonDumps, plainFloat } from "./python/builtins.ts";
import { Failure, traceback } from "./python/failure.ts";

/** What a handler gives: the field that this RPC answers in, or the text of a failure. */
type Result = { message: string; unique_id?: string } | { response: Json } | { failed: string };

/** One handler for each RPC. It may throw, which is a failure too. */
type Handlers = { [M in Method]: (request: RequestOf<M>) => Result | Promise<Result> };

/** Handles one call as KATO does. It never rejects: a call that fails is answered with `status: FAILED`. */
export type HandleCall = <M extends Method>(method: M, request: RequestOf<M>) => Promise<KatoResponse>;

/** Has the processor handle calls. */
export function createCallHandler(processor: Processor, onCrashPoint: OnCrashPoint): HandleCall {
  const handlers = handlersOf(processor);
  return async (method, request) => {
    let result: Result;
    try {
      result = await handlers[method](request);
    } catch (error) {
      result = { failed: traceback(method, error) };
    }
    if (method === "ClearWorkingMemory" || method === "ClearAllMemory") onCrashPoint("clear-before-answer");
    if (rpcs[method].kind === "command") onCrashPoint("command-before-answer");
    const common = {
      id: processor.id,
      interval: processor.interval,
      time_stamp: Math.fround(Date.now() / 1000),
    };
    if (!("failed" in result)) return { status: "OKAY", ...common, ...result };
    return { status: "FAILED", ...common, message: result.failed };
  };
}

/** What each RPC does and answers: docs/kato.md, "RPC by RPC". */
function handlersOf(processor: Processor): Handlers {
  const { genes, knowledge } = processor;
  const data = (value: Json): Result => ({ response: { data: value } });
  const withoutPrefix = (name: string) => name.replaceAll("MODEL|", "");
  return {
    GetName: () => ({ message: processor.name }),
    Ping: () => ({ message: "okay" }),
    GetTime: () => ({ message: String(processor.interval) }),
    ShowStatus: () => ({ response: statusOf(processor) }),
    GetGene: ({ gene }) => data(genes.get(gene)),
    GetPerceptData: () => data(processor.perceptData),
    GetCognitionData: () => ({ response: cognitionOf(processor) }),
    GetModel: ({ name }) => {
      genes.requireIntact("superkb");
      knowledge.requireMongo();
      const model = knowledge.models.get(withoutPrefix(name));
      return data(model ? modelJson(model) : {});
    },
    GetVector: ({ name }) => {
      genes.requireIntact("superkb");
      knowledge.requireMongo();
      const vector = knowledge.vectors.get(name);
      return data(vector ? [...vector] : null);
    },
    GetWorkingMemory: () => ({ message: jsonDumps(processor.events) }),
    GetAllPredictions: () => data(processor.predictions),
    GetPredictions: () => fail("TypeError", "'UniqueId' object is not subscriptable"),

    Observe: async (observation) => {
      await processor.observe(observation);
      return { message: "observed", unique_id: observation.unique_id ?? "" };
    },
    Learn: async () => ({ message: (await processor.learn()) ?? "None" }),
    ClearWorkingMemory: () => {
      processor.clearWorkingMemory();
      return { message: "wm-cleared" };
    },
    ClearAllMemory: () => {
      processor.clearAllMemory();
      return { message: "all-cleared" };
    },
    StartSleeping: () => {
      processor.clearWorkingMemory();
      processor.sleeping = true;
      return { message: "asleep" };
    },
    StopSleeping: () => {
      processor.sleeping = false;
      return { message: "awake" };
    },
    StartPredicting: () => {
      genes.set("predict", true);
      return { message: "activated-predictions" };
    },
    StopPredicting: () => {
      genes.set("predict", false);
      return { message: "deactivated-predictions" };
    },
    UpdateGenes: ({ genes: values = {} }) => {
      if (Object.keys(values).length === 0) throw new Failure("KeyError", "'genes'");
      for (const [name, value] of Object.entries(values)) genes.update(name, plainFloat(value));
      return { message: "genes-updated" };
    },
    IncrementRecallThreshold: ({ value = 0 }) =>
      processor.incrementRecallThreshold(value)
        ? data(genes.get("recall_threshold"))
        : { failed: "recall threshold must be between 0 > and <= 1" },
    DeleteModel: ({ name }) => {
      knowledge.deleteModel(withoutPrefix(name));
      return { message: "deleted" };
    },
    UpdateModel: () => fail("AttributeError", `'${repeated}' object has no attribute 'items'`),
    TargetClass: () => fail("AttributeError", "'KatoProcessor' object has no attribute 'set_target_class'"),
    TargetClear: () => fail("AttributeError", "'KatoProcessor' object has no attribute 'clear_target_class'"),
  };
}

/** A class of Python's protobuf, cut off as in KATO's message. */
const repeated = "google.protobuf.pyext._message.RepeatedCompositeCo";

function fail(type: string, message: string): never {
  throw new Failure(type, message);
}

function statusOf(processor: Processor): JsonObject {
  const { knowledge } = processor;
  knowledge.requireMongo();
  return {
    name: processor.name,
    time: processor.interval,
    num_observe_call: processor.interval,
    SLEEPING: processor.sleeping,
    PREDICT: processor.genes.get("predict"),
    AUTOLEARN: false,
    emotives: processor.averagedEmotives,
    target: null,
    size_WM: processor.events.reduce((sum, event) => sum + event.length, 0),
    vectors_kb: `{KB| objects: ${knowledge.vectors.size}}`,
    models_kb: `{KB| objects: ${knowledge.models.size}}`,
    last_command: "",
    last_learned_model_name: processor.lastLearned,
  };
}

function cognitionOf(processor: Processor): JsonObject {
  return {
    predictions: processor.predictions ?? [],
    emotives: processor.averagedEmotives,
    symbols: processor.symbols,
    command: "",
    metadata: {},
    path: [],
    strings: [],
    vectors: [],
    working_memory: processor.events,
  };
}
