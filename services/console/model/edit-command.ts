/** Where a command is sent to when it is sent anew, and with what. */
export interface NewCommand {
  method: "POST" | "DELETE";
  /** The names of the path after the processor's id. */
  path: string[];
  body: Record<string, unknown> | undefined;
}

/** The methods whose request can be edited, with how the API takes them (docs/api.md, One processor). */
const editable: Record<string, (request: Record<string, unknown>) => NewCommand> = {
  Observe: (observation) => ({ method: "POST", path: ["observe"], body: observation }),
  UpdateGenes: ({ genes }) => ({ method: "POST", path: ["genes", "change"], body: { data: genes } }),
  DeleteModel: ({ name }) => ({ method: "DELETE", path: ["model", String(name)], body: undefined }),
};

export const isEditable = (method: string): boolean => Object.hasOwn(editable, method);

/** The fields of an observation that a client may send; as a new command it gets a new unique_id. */
const observationFields = ["strings", "vectors", "emotives", "metadata", "source", "path"];

/** A request as it is offered to be edited: without what is empty, and what the gateway takes of nobody. */
export function editableRequest(method: string, request: unknown): unknown {
  if (method !== "Observe" || typeof request !== "object" || request === null) return request;
  const isWanted = ([name, value]: [string, unknown]) =>
    observationFields.includes(name) && value !== "" && !isEmptyObject(value);
  return Object.fromEntries(Object.entries(request).filter(isWanted));
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** The command that an edited request asks for, or what is wrong with it. */
export function newCommandOf(method: string, text: string): NewCommand | string {
  const make = isEditable(method) ? editable[method] : undefined;
  if (!make) return `A ${method} cannot be edited.`;
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch (error) {
    return `It is not JSON: ${error instanceof Error ? error.message : error}`;
  }
  if (typeof request !== "object" || request === null || Array.isArray(request))
    return "It must be an object in JSON.";
  return make({ ...request });
}
