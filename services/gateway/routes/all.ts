import { ObservationBody } from "../http/observation.ts";
import { Prediction } from "../openapi/schemas.ts";
import audit from "./audit/routes.ts";
import commandLog from "./command-log/routes.ts";
import commands from "./commands/routes.ts";
import consolePage from "./console/routes.ts";
import deadLetters from "./dead-letters/routes.ts";
import genes from "./genes/routes.ts";
import genome from "./genome/routes.ts";
import home from "./home/routes.ts";
import { Ingestion } from "./ingestions/ingestion-view.ts";
import ingestions from "./ingestions/routes.ts";
import instance from "./instance/routes.ts";
import keys from "./keys/routes.ts";
import { Model } from "./models/description.ts";
import models from "./models/routes.ts";
import observations from "./observations/routes.ts";
import observe from "./observe/routes.ts";
import observeSequence from "./observe-sequence/routes.ts";
import predictions from "./predictions/routes.ts";
import probes from "./probes/routes.ts";
import processors from "./processors/list.ts";
import pause from "./processors/pause.ts";
import { Processor } from "./processors/processor-view.ts";
import registration from "./processors/registration.ts";
import rebuild from "./rebuild/routes.ts";
import session from "./session/routes.ts";
import workingMemory from "./working-memory/routes.ts";

/** All routes, in the order in which the OpenAPI document has them. A new subject is added here. */
export const allRoutes = [
  home,
  consolePage,
  probes,
  processors,
  genome,
  observe,
  workingMemory,
  predictions,
  genes,
  models,
  instance,
  commands,
  deadLetters,
  pause,
  commandLog,
  rebuild,
  registration,
  observations,
  ingestions,
  observeSequence,
  session,
  keys,
  audit,
];

/**
 * Schemas that stand in the OpenAPI document once, under these names, and are referred to wherever they
 * occur.
 */
export const namedSchemas = { Observation: ObservationBody, Prediction, Model, Processor, Ingestion };
