import { access } from "./access.ts";
import { applying } from "./applying.ts";
import { assignment } from "./assignment.ts";
import { checkpoint } from "./checkpoint.ts";
import { commandLog } from "./command-log.ts";
import { commandLoop } from "./command-loop.ts";
import { gateway } from "./gateway.ts";
import { instance } from "./instance.ts";
import type { Mutation } from "./mutation.ts";
import { outcomes } from "./outcomes.ts";
import { processor } from "./processor.ts";
import { rebuilding } from "./rebuilding.ts";
import { recovering } from "./recovering.ts";
import { registry } from "./registry.ts";
import { tls } from "./tls.ts";

/** A mutation with the file that it changes. */
export type MutationOfFile = Mutation & { file: string };

/** Every mutation, in the order in which `npm run mutate` makes them. */
export const mutations: MutationOfFile[] = [
  assignment,
  commandLoop,
  processor,
  instance,
  applying,
  recovering,
  rebuilding,
  checkpoint,
  outcomes,
  commandLog,
  gateway,
  registry,
  tls,
  access,
].flatMap((part) =>
  Object.entries(part).flatMap(([file, changes]) => changes.map((change) => ({ file, ...change }))),
);
