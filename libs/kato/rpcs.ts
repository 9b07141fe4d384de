/** The largest message that KATO takes or gives, in bytes (docs/kato.md, "Every RPC"). */
export const maxMessageBytes = 4 * 1024 * 1024;

/** What the system has to know about an RPC of the service `kato_proc.KatoEngine`. */
export interface Rpc {
  /** The name of its request message in proto/kato_proc.proto. */
  readonly request: RequestType;
  /** The name of its response message in proto/kato_proc.proto. */
  readonly response: ResponseType;
  /** A command changes the processor, and goes through the command log. A query only reads. */
  readonly kind: "command" | "query";
}

/** The request messages, by their names in proto/kato_proc.proto; `Empty` is google.protobuf.Empty. */
export type RequestType =
  | "Empty"
  | "Observation"
  | "GeneData"
  | "Increment"
  | "Gene"
  | "Name"
  | "ModelUpdate"
  | "UniqueId"
  | "TargetClassRequest";

/** The response messages, by their names in proto/kato_proc.proto. */
export type ResponseType = "StandardResponse" | "ObservationResponse" | "CognitionResponse";

const rpcOf =
  (kind: Rpc["kind"]) =>
  <R extends RequestType>(
    request: R,
    response: ResponseType = "StandardResponse",
  ): Rpc & { readonly request: R } => ({ request, response, kind });

const query = rpcOf("query");
const command = rpcOf("command");

/** The 26 RPCs of KATO, by their names on the wire. */
export const rpcs = {
  GetName: query("Empty"),
  Ping: query("Empty"),
  GetTime: query("Empty"),
  ShowStatus: query("Empty"),
  GetGene: query("Gene"),
  GetPerceptData: query("Empty"),
  GetCognitionData: query("Empty", "CognitionResponse"),
  GetModel: query("Name"),
  GetVector: query("Name"),
  GetWorkingMemory: query("Empty"),
  GetAllPredictions: query("Empty"),
  GetPredictions: query("UniqueId"),

  Observe: command("Observation", "ObservationResponse"),
  Learn: command("Empty"),
  ClearWorkingMemory: command("Empty"),
  ClearAllMemory: command("Empty"),
  StartSleeping: command("Empty"),
  StopSleeping: command("Empty"),
  StartPredicting: command("Empty"),
  StopPredicting: command("Empty"),
  UpdateGenes: command("GeneData"),
  IncrementRecallThreshold: command("Increment"),
  DeleteModel: command("Name"),
  UpdateModel: command("ModelUpdate"),
  TargetClass: command("TargetClassRequest"),
  TargetClear: command("Empty"),
} as const satisfies Record<string, Rpc>;

/** The name of an RPC. */
export type Method = keyof typeof rpcs;

/** Whether a text is the name of an RPC. */
export function isMethod(name: string): name is Method {
  return Object.hasOwn(rpcs, name);
}
