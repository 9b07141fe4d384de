import assert from "node:assert/strict";
import test from "node:test";
import type { Static, TSchema } from "typebox";
import type * as client from "../../../libs/client/types/bulk.ts";
import type * as gateway from "../../../libs/client/types/gateway.ts";
import type * as processor from "../../../libs/client/types/processor.ts";
import type { GrantsSchema } from "../../../services/gateway/access/grants.ts";
import type { Receipt } from "../../../services/gateway/bulk/receipts.ts";
import type { ObservationBody } from "../../../services/gateway/http/observation.ts";
import type { BulkProblem, Problem } from "../../../services/gateway/openapi/problems.ts";
import type * as common from "../../../services/gateway/openapi/schemas.ts";
import type { AuditEntry } from "../../../services/gateway/routes/audit/description.ts";
import type { LogPage } from "../../../services/gateway/routes/command-log/description.ts";
import type { Command } from "../../../services/gateway/routes/commands/description.ts";
import type { DeadLetterPage } from "../../../services/gateway/routes/dead-letters/description.ts";
import type { Genes } from "../../../services/gateway/routes/genes/description.ts";
import type { Genome } from "../../../services/gateway/routes/genome/description.ts";
import type { Home } from "../../../services/gateway/routes/home/description.ts";
import type { IngestionPage } from "../../../services/gateway/routes/ingestions/description.ts";
import type { Ingestion } from "../../../services/gateway/routes/ingestions/ingestion-view.ts";
import type { Status } from "../../../services/gateway/routes/instance/description.ts";
import type { Key } from "../../../services/gateway/routes/keys/description.ts";
import type { KeyBody } from "../../../services/gateway/routes/keys/routes.ts";
import type { Model } from "../../../services/gateway/routes/models/description.ts";
import type { ModelBody } from "../../../services/gateway/routes/models/routes.ts";
import type { SequenceResults } from "../../../services/gateway/routes/observe-sequence/description.ts";
import type { SequenceBody } from "../../../services/gateway/routes/observe-sequence/routes.ts";
import type { CognitionData, PerceptData } from "../../../services/gateway/routes/predictions/description.ts";
import type { ProcessorList } from "../../../services/gateway/routes/processors/description.ts";
import type { Processor } from "../../../services/gateway/routes/processors/processor-view.ts";
import type { ProcessorBody } from "../../../services/gateway/routes/processors/registration.ts";
import type { Rebuilt, Replaying } from "../../../services/gateway/routes/rebuild/description.ts";
import type { Session } from "../../../services/gateway/routes/session/description.ts";

// The client may not import the gateway, so it has types of its own. The compiler holds here that they are the same.

/** What a route's schema allows. */
type Of<Schema extends TSchema> = Static<Schema>;

/** True if each can stand for the other; else what the compiler shows of the difference. */
type Same<One, Other> = [One] extends [Other]
  ? [Other] extends [One]
    ? true
    : { has: Other; lacks: One }
  : { has: One; lacks: Other };

/** Does not compile unless the types are the same. */
function same<One, Other>(isSame: Same<One, Other>): void {
  assert.equal(isSame, true);
}

test("the client's types are those of the routes", () => {
  same<processor.Observation, Of<typeof ObservationBody>>(true);
  same<processor.Observed, Of<typeof common.Observed>>(true);
  same<processor.Queued, Of<typeof common.Queued>>(true);
  same<processor.Prediction, Of<typeof common.Prediction>>(true);
  same<processor.Events, Of<typeof common.Events>>(true);
  same<processor.CommandState, Of<typeof common.CommandState>>(true);
  same<processor.Done<"removed">, DoneFields & { message: "removed" }>(true);
  same<processor.CommandOutcome, Of<typeof Command>>(true);
  same<processor.Genes, Of<typeof Genes>>(true);
  same<processor.InstanceStatus, Of<typeof Status>>(true);
  same<processor.PerceptData, Of<typeof PerceptData>>(true);
  same<processor.CognitionData, Of<typeof CognitionData>>(true);
  same<processor.Model, Of<typeof Model>>(true);
  same<processor.ModelChange, Of<typeof ModelBody>>(true);
  same<Omit<processor.Envelope<string>, "message">, EnvelopeFields>(true);
  same<client.IngestionReport, Of<typeof common.IngestionReport>>(true);
  same<client.Ingestion, Of<typeof Ingestion>>(true);
  same<client.IngestionPage, Of<typeof IngestionPage>>(true);
  same<client.Receipt, Receipt>(true);
  same<client.SequenceRequest, Of<typeof SequenceBody>>(true);
  same<client.SequenceResults, Of<typeof SequenceResults>>(true);
  same<gateway.Problem, Of<typeof Problem>>(true);
  same<gateway.Problem & Partial<client.IngestionReport>, Of<typeof BulkProblem>>(true);
  same<gateway.Home, Of<typeof Home>>(true);
  same<gateway.Processor, Of<typeof Processor>>(true);
  same<gateway.ProcessorPage, Of<typeof ProcessorList>>(true);
  same<gateway.Registration, Of<typeof ProcessorBody>>(true);
  same<gateway.Genome, Of<typeof Genome>>(true);
  same<gateway.Rebuilt, Of<typeof Rebuilt>>(true);
  same<gateway.Replaying, Of<typeof Replaying>>(true);
  same<gateway.LogPage, Of<typeof LogPage>>(true);
  same<gateway.DeadLetterPage, Of<typeof DeadLetterPage>>(true);
  same<gateway.Grants, Of<typeof GrantsSchema>>(true);
  same<gateway.Session, Of<typeof Session>>(true);
  same<gateway.Key, Of<typeof Key>>(true);
  same<gateway.KeyRequest, Of<typeof KeyBody>>(true);
  same<gateway.AuditEntry, Of<typeof AuditEntry>>(true);
});

type DoneFields = Omit<Of<ReturnType<typeof common.Done>>, "message">;
type EnvelopeFields = {
  [Name in keyof typeof common.EnvelopeFields]: Of<(typeof common.EnvelopeFields)[Name]>;
};
