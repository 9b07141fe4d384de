import { followIngestion } from "./events.ts";
import type { CommandOptions, QueryOptions, Transport } from "./transport.ts";
import type { Ingestion, IngestionReport, SequenceRequest, SequenceResults } from "./types/bulk.ts";
import type {
  CognitionData,
  CommandOutcome,
  Envelope,
  Events,
  Genes,
  InstanceStatus,
  Model,
  ModelChange,
  Observation,
  Observed,
  PerceptData,
  Prediction,
  Queued,
} from "./types/processor.ts";
import type { UploadOptions, UploadSource } from "./upload.ts";
import { upload } from "./upload.ts";

/** What a command answers: that it is stored, where it was not waited for. */
type Answer<Options, Applied> = Options extends { async: true } ? Queued : Applied;

export type ProcessorApi = ReturnType<typeof processorApi>;

/** What one processor can be asked and told. */
export function processorApi(transport: Transport, id: string) {
  const at = (path: string) => `/${encodeURIComponent(id)}/${path}`;

  const query = <Message>(path: string, options?: QueryOptions) =>
    transport.json<Envelope<Message>>({
      method: "GET",
      path: at(path),
      repeatable: "always",
      ...(options && { options }),
    });

  const command =
    <Message, Beside = unknown>(method: "POST" | "PUT" | "DELETE" = "POST") =>
    <Options extends CommandOptions>(path: string, options?: Options, json?: unknown) =>
      transport.json<Answer<Options, Envelope<Message> & Beside>>({
        method,
        path: at(path),
        repeatable: "under-key",
        ...(json !== undefined && { json }),
        ...(options && { options }),
      });
  const text = command<string>();

  return {
    observe: <O extends CommandOptions>(observation: Observation, options?: O) =>
      command<Observed, { unique_id: string }>()("observe", options, observation),
    /** Answers the model's name, or "" when there was nothing to learn. */
    learn: <O extends CommandOptions>(options?: O) => text("learn", options),
    observeSequence: <O extends CommandOptions>(request: SequenceRequest, options?: O) =>
      command<SequenceResults>()("observe-sequence", options, request),
    workingMemory: (options?: QueryOptions) => query<Events>("working-memory", options),
    clearWorkingMemory: <O extends CommandOptions>(options?: O) => text("working-memory/clear", options),
    /** Working memory, and every model. */
    clearAllMemory: <O extends CommandOptions>(options?: O) => text("clear-all-memory", options),
    predictions: (options?: QueryOptions) => query<Prediction[]>("predictions", options),
    perceptData: (options?: QueryOptions) => query<PerceptData>("percept-data", options),
    cognitionData: (options?: QueryOptions) => query<CognitionData>("cognition-data", options),

    gene: (gene: string, options?: QueryOptions) =>
      query<unknown>(`gene/${encodeURIComponent(gene)}`, options),
    changeGenes: <O extends CommandOptions>(genes: Genes, options?: O) =>
      command<"updated-genes" | "genes-updated">()("genes/change", options, { data: genes }),
    incrementRecallThreshold: <O extends CommandOptions>(increment: number, options?: O) =>
      command<number>()("gene/increment-recall-threshold", options, { increment }),
    model: (name: string, options?: QueryOptions) =>
      query<Model>(`model/${encodeURIComponent(name)}`, options),
    deleteModel: <O extends CommandOptions>(name: string, options?: O) =>
      command<string>("DELETE")(`model/${encodeURIComponent(name)}`, options),
    changeModel: <O extends CommandOptions>(name: string, change: ModelChange, options?: O) =>
      command<string>("PUT")(`model/${encodeURIComponent(name)}`, options, change),
    vector: (name: string, options?: QueryOptions) =>
      query<number[]>(`vector/${encodeURIComponent(name)}`, options),

    ping: (options?: QueryOptions) => query<string>("ping", options),
    name: (options?: QueryOptions) => query<string>("name", options),
    time: (options?: QueryOptions) => query<number>("time", options),
    status: (options?: QueryOptions) => query<InstanceStatus>("status", options),
    sleep: <O extends CommandOptions>(options?: O) => text("sleep", options),
    wake: <O extends CommandOptions>(options?: O) => text("wake", options),
    startPredicting: <O extends CommandOptions>(options?: O) => text("start-predicting", options),
    stopPredicting: <O extends CommandOptions>(options?: O) => text("stop-predicting", options),
    setTargetClass: <O extends CommandOptions>(target_class: string, options?: O) =>
      command<string>("PUT")("target-class", options, { target_class }),
    unsetTargetClass: <O extends CommandOptions>(options?: O) =>
      command<string>("DELETE")("target-class", options),

    /** What became of a command that was not waited for. */
    command: (command: string, options?: QueryOptions) =>
      transport.json<CommandOutcome>({
        method: "GET",
        path: at(`commands/${encodeURIComponent(command)}`),
        repeatable: "always",
        ...(options && { options }),
      }),
    /** Any number of observations, one a line (upload.ts). */
    upload: (source: UploadSource, options?: UploadOptions): Promise<IngestionReport> =>
      upload(transport, id, source, options),
    ingestion: (ingestion: string, options?: QueryOptions) =>
      transport.json<Ingestion>({
        method: "GET",
        path: at(`ingestions/${encodeURIComponent(ingestion)}`),
        repeatable: "always",
        ...(options && { options }),
      }),
    /** How an ingestion stands, as it changes, until it is done (events.ts). */
    followIngestion: (ingestion: string, options?: QueryOptions) =>
      followIngestion(transport, at(`ingestions/${encodeURIComponent(ingestion)}/events`), options),
  };
}
