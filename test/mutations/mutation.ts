/**
 * A small change of a source file that breaks what the file promises. Some test has to fail because of it.
 */
export interface Mutation {
  /** What is broken, for people: an invariant of docs/architecture.md, or what a user notices. */
  breaks: string;
  /** A text that occurs exactly once in the file. */
  find: string;
  /** What stands there instead. */
  replace: string;
}

/** Mutations by the file that they change, a path from the root of the repository. */
export type Mutations = Record<string, Mutation[]>;
