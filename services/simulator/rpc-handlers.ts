import type { Json, JsonObject } from "../../libs/kato/json.ts";
import type { KatoResponse, RequestOf } from "../../libs/kato/messages.ts";
import type { Method } from "../../libs/kato/rpcs.ts";
import { rpcs } from "../../libs/kato/rpcs.ts";
import type { Reach } from "./crash-points.ts";
import { modelJson } from "./memory/knowledge.ts";
import type { Processor } from "./processor.ts";
import { jsonDumps, plainFloat } from "./python/builtins.ts";
import { Failure, traceback } from "./python/failure.ts";

/** What an RPC answers with beside the envelope: its `message` arm, its `response` arm, or that it failed with a text. */
type Answer = { message: string; unique_id?: string } | { response: Json } | { failed: string };

type Answers = { [M in Method]: (request: RequestOf<M>) => Answer | Promise<Answer> };

/** Answers one call as KATO does; a failed one with `status: FAILED`, nothing ever throws. */
export type Answering = <M extends Method>(method: M, request: RequestOf<M>) => Promise<KatoResponse>;

/** Answers calls from the processor. */
export function answering(processor: Processor, reach: Reach): Answering {
  const answers = answersOf(processor);
  return async (method, request) => {
    let answer: Answer;
    try {
      answer = await answers[method](request);
    } catch (error) {
      answer = { failed: traceback(method, error) };
    }
    if (method === "ClearWorkingMemory" || method === "ClearAllMemory") reach("clear-before-answer");
    if (rpcs[method].kind === "command") reach("command-before-answer");
    const envelope = {
      id: processor.id,
      interval: processor.interval,
      time_stamp: Math.fround(Date.now() / 1000),
    };
    if (!("failed" in answer)) return { status: "OKAY", ...envelope, ...answer };
    return { status: "FAILED", ...envelope, message: answer.failed };
  };
}

/** Each RPC; docs/kato.md, "RPC by RPC". */
function answersOf(processor: Processor): Answers {
  const { genes, knowledge } = processor;
  const data = (value: Json): Answer => ({ response: { data: value } });
  const bare = (name: string) => name.replaceAll("MODEL|", "");
  return {
    GetName: () => ({ message: processor.name }),
    Ping: () => ({ message: "okay" }),
    GetTime: () => ({ message: String(processor.interval) }),
    ShowStatus: () => ({ response: statusOf(processor) }),
    GetGene: ({ gene }) => data(genes.get(gene)),
    GetPerceptData: () => data(processor.perceptData),
    GetCognitionData: () => ({ response: cognitionOf(processor) }),
    GetModel: ({ name }) => {
      genes.need("superkb");
      knowledge.need();
      const model = knowledge.models.get(bare(name));
      return data(model ? modelJson(model) : {});
    },
    GetVector: ({ name }) => {
      genes.need("superkb");
      knowledge.need();
      const vector = knowledge.vectors.get(name);
      return data(vector ? [...vector] : null);
    },
    GetWorkingMemory: () => ({ message: jsonDumps(processor.events) }),
    GetAllPredictions: () => data(processor.predictions),
    GetPredictions: () => never("TypeError", "'UniqueId' object is not subscriptable"),

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
      knowledge.deleteModel(bare(name));
      return { message: "deleted" };
    },
    UpdateModel: () => never("AttributeError", `'${repeated}' object has no attribute 'items'`),
    TargetClass: () => never("AttributeError", "'KatoProcessor' object has no attribute 'set_target_class'"),
    TargetClear: () =>
      never("AttributeError", "'KatoProcessor' object has no attribute 'clear_target_class'"),
  };
}

const repeated = "google.protobuf.pyext._message.RepeatedCompositeCo";

function never(type: string, message: string): never {
  throw new Failure(type, message);
}

function statusOf(processor: Processor): JsonObject {
  const { knowledge } = processor;
  knowledge.need();
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
