import { Type } from "typebox";
import { Float32 } from "../http/schemas.ts";
import * as schemas from "./answer-schemas.ts";
import type { Operation } from "./operation.ts";
import { command, json, query } from "./operation.ts";

const model = "MODEL|d46a83e73f6feaef6974e00323808137c244cc9c";
const uniqueId = "NB4E2T9Q7JX0W5ZC1R8KAM";
const Text = Type.String();

const prediction = {
  type: "prototypical",
  name: model,
  frequency: 1,
  emotives: {},
  matches: ["c", "d"],
  past: [["a", "b"]],
  present: [["c"], ["d", "e"]],
  future: [["f"]],
  missing: ["e"],
  extras: ["q"],
  similarity: 0.4444444444444444,
  evidence: 0.3333333333333333,
  confidence: 0.6666666666666666,
  snr: 0.6,
  fragmentation: 0,
  itfdf_similarity: 0.816496580928,
  entropy: 1.292481250361,
  hamiltonian: 0.613147192765,
  grand_hamiltonian: 0.5,
  confluence: 0.99537037037,
  potential: 2.416496580928,
};

const Predictions = Type.Array(schemas.Prediction);
const ofWhichObservation =
  "With the unique_id of the latest observation the same; of an older one, which this KATO cannot look up, a 501.";

/** `message` is KATO's own word. */
const said = (summary: string, word: string, description?: string): Operation =>
  command({ summary, message: Text, example: word, ...(description !== undefined && { description }) });

const clearWorkingMemory = said(
  "Clear working memory",
  "wm-cleared",
  "Predictions, emotives and percept data go too; models, genes and `interval` stay.",
);

const genes = {
  recall_threshold: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  max_sequence_length: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  persistence: Type.Optional(Float32),
  smoothness: Type.Optional(Float32),
  always_update_frequencies: Type.Optional(Type.Union([Type.Boolean(), Float32])),
};
/** What genes.ts checks; a gene that is not among them is refused. */
const Genes = Type.Object(genes, { minProperties: 1, propertyNames: { enum: Object.keys(genes) } });

/** The routes of one processor, from observing to its modes. */
export const oneProcessor: Record<string, Operation> = {
  "POST /{id}/observe": command({
    summary: "Observe an event",
    description:
      "Symbols, vectors and emotives that belong together, each of which may be missing. Whatever else is sent with them is left out.",
    message: schemas.Observed,
    example: { status: "observed", auto_learned_model: "" },
    beside: { unique_id: Text },
    besideExample: { unique_id: uniqueId },
    body: {
      symbols: { strings: ["b", "a"] },
      "vectors and emotives": { vectors: [[1, 0.5, -2]], emotives: { joy: 0.5 }, unique_id: "frame-17" },
      "under data": { data: { strings: ["c"] } },
    },
  }),
  "POST /{id}/learn": command({
    summary: "Learn working memory as a model",
    description: "Working memory is empty afterwards.",
    message: Type.String({ description: "The model's name, empty when there was nothing to learn" }),
    example: model,
  }),
  "GET /{id}/working-memory": query({
    summary: "Working memory",
    message: schemas.WorkingMemory,
    example: [["a", "b"], ["c"]],
  }),
  "POST /{id}/working-memory/clear": clearWorkingMemory,
  "POST /{id}/clear-working-memory": clearWorkingMemory,
  "POST /{id}/clear-all-memory": said(
    "Clear everything that was learned",
    "all-cleared",
    "Models, vectors and working memory are gone, and `interval` counts from 0. Genes stay.",
  ),
  "GET /{id}/predictions": query({
    summary: "Predictions",
    description: `Empty when there are none. ${ofWhichObservation}`,
    message: Predictions,
    example: [prediction],
  }),
  "POST /{id}/predictions": query({
    summary: "Predictions, asked for with a body",
    description: `As GET. ${ofWhichObservation}`,
    message: Predictions,
    example: [prediction],
    body: { "of the latest observation": { unique_id: uniqueId }, whatever: {} },
    problems: [413],
  }),
  "GET /{id}/gene/{gene}": query({
    summary: "A gene",
    message: Type.Unknown({ description: "Its value, null when KATO has no such gene" }),
    example: 0.1,
  }),
  "POST /{id}/genes/change": command({
    summary: "Set genes",
    description:
      "Only genes that can be set safely. A recall_threshold set here is what the gene says, and not yet what is searched with; for that " +
      "there is `POST /{id}/gene/increment-recall-threshold`.",
    message: Type.Union([Type.Literal("updated-genes"), Type.Literal("genes-updated")], {
      description: "`updated-genes` to genes under `data`, `genes-updated` to others",
    }),
    example: "updated-genes",
    body: {
      "under data": { data: { persistence: 7, max_sequence_length: 10 } },
      plain: { always_update_frequencies: true },
    },
    bodySchema: Type.Union([Type.Object({ data: Genes }), Genes]),
  }),
  "POST /{id}/gene/increment-recall-threshold": command({
    summary: "Change the recall threshold",
    description:
      "The new one is really searched with. KATO rounds it to one decimal, so small steps vanish: the answer is what it now is. 422 when it " +
      "would leave (0, 1].",
    message: Type.Number({ description: "The new threshold" }),
    example: 0.2,
    body: { "a step up": { increment: 0.1 } },
  }),
  "GET /{id}/ping": query({
    summary: "Ask the instance whether it is there",
    message: Text,
    example: "okay",
  }),
  "GET /{id}/status": query({
    summary: "Status of the instance",
    message: schemas.Status,
    example: {
      name: "P1",
      time: 7,
      num_observe_call: 7,
      size_WM: 3,
      SLEEPING: false,
      PREDICT: true,
      AUTOLEARN: false,
      emotives: {},
      target: null,
      vectors_kb: "{KB| objects: 0}",
      models_kb: "{KB| objects: 1}",
      last_command: "",
      last_learned_model_name: model,
    },
  }),
  "GET /{id}/name": query({ summary: "Name of the instance", message: Text, example: "P1" }),
  "GET /{id}/time": query({
    summary: "How many observations there were",
    message: Type.Integer(),
    example: 7,
  }),
  "GET /{id}/percept-data": query({
    summary: "The latest observation as KATO perceived it",
    message: schemas.PerceptData,
    example: { strings: ["b", "a"], vectors: [], emotives: { joy: 0.5 }, metadata: {}, path: [] },
  }),
  "GET /{id}/cognition-data": query({
    summary: "What KATO makes of it",
    description: "As KATO gives it, empty fields included. Its model names have no `MODEL|`.",
    message: schemas.CognitionData,
    example: {
      predictions: [],
      emotives: { joy: 0.5 },
      symbols: ["a", "b"],
      command: "",
      metadata: {},
      path: [],
      strings: [],
      vectors: [],
      working_memory: [["a", "b"]],
    },
  }),
  "GET /{id}/model/{name}": query({
    summary: "A model",
    message: schemas.Model,
    example: { name: model, frequency: 1, length: 3, sequence: [["a", "b"], ["c"]], emotives: {} },
  }),
  "DELETE /{id}/model/{name}": said("Delete a model", "deleted"),
  "PUT /{id}/model/{name}": {
    ...command({
      summary: "Change a model",
      description: "KATO's UpdateModel, which this version of KATO always fails at: a 501.",
      message: Text,
      example: "",
      body: { frequency: { frequency: 3, emotives: [{ joy: 0.5 }] } },
    }),
  },
  "GET /{id}/vector/{name}": query({
    summary: "A vector that was learned",
    message: Type.Array(Type.Number()),
    example: [1, 0.5, -2],
  }),
  "POST /{id}/sleep": said("Put it to sleep", "asleep", "Clears working memory, predictions and emotives."),
  "POST /{id}/wake": said("Wake it", "awake"),
  "POST /{id}/start-predicting": said("Have observations predict", "activated-predictions"),
  "POST /{id}/stop-predicting": said(
    "Have observations not predict",
    "deactivated-predictions",
    "Until then there are no predictions.",
  ),
  "PUT /{id}/target-class": command({
    summary: "Set the target class",
    description: "KATO's TargetClass, which this version of KATO always fails at: a 501.",
    message: Text,
    example: "",
    body: { "a class": { target_class: "cat" } },
  }),
  "DELETE /{id}/target-class": said(
    "Unset the target class",
    "",
    "KATO's TargetClear, which this version of KATO always fails at: a 501.",
  ),
  "GET /{id}/commands/{command}": {
    summary: "What became of a command",
    description:
      "Known for 24 hours, of a command that was not waited for, or not to the end, or did not simply succeed.",
    answers: {
      200: {
        description: "How it stands.",
        headers: ["Kato-Sequence", "Kato-Command"],
        content: json(schemas.Command, {
          id: "p46b6b076c",
          time_stamp: 1795411800.25,
          status: "okay",
          command: "GTY7Q2ZK1M4S8N3V5B6C9D",
          method: "Learn",
          state: "applied",
          sequence: 42,
          interval: 7,
          response: model,
        }),
      },
    },
    problems: [400, 404, 503],
  },
};
