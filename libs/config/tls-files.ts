import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { SecureContext } from "node:tls";
import { createSecureContext } from "node:tls";
import type { Environment } from "./environment.ts";
import { keepingLast } from "./keeping-last.ts";
import type { SettingName } from "./setting-names.ts";

/** The oldest version of TLS that is spoken. */
export const oldestTls = "TLSv1.2";

/** What of TLS is read from files: trusted CAs, a certificate with its chain, and its private key. */
type Part = (typeof parts)[number];
const parts = ["ca", "cert", "key"] as const;

/** The paths of PEM files. There is a certificate exactly if there is a key. */
export type TlsFiles = Partial<Record<Part, string>>;

/** What the files hold, as Node's TLS takes it. */
export type TlsContents = Partial<Record<Part, string>>;

/** What was read of such files. The contents are complete if there are no problems. */
export interface TlsReading {
  contents: TlsContents;
  /** What is wrong with a file: the rest of the sentence after the name of its setting. */
  problems: { part: Part; what: string }[];
}

/**
 * Reads the settings that name these files; undefined if none is set. Files that cannot be used are noted in
 * `environment`.
 */
export function tlsFiles(
  environment: Environment,
  settings: Record<Part, SettingName>,
): TlsFiles | undefined {
  const files: TlsFiles = {};
  for (const part of parts) {
    const path = environment.text(settings[part], "");
    if (path !== "") files[part] = path;
  }
  const { ca, cert, key } = files;
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  if (cert === undefined && key !== undefined)
    environment.problem(settings.cert, `has to be set with ${settings.key}`);
  if (cert !== undefined && key === undefined)
    environment.problem(settings.key, `has to be set with ${settings.cert}`);
  for (const { part, what } of readTls(files).problems) environment.problem(settings[part], what);
  return files;
}

/** Reads the files, and checks whether they are of use and fit together. */
export function readTls(files: TlsFiles): TlsReading {
  const { contents, problems } = readTlsTexts(files);
  for (const part of parts) {
    const text = contents[part];
    const wrong = text === undefined ? undefined : wrongWith(part, text);
    if (wrong !== undefined) problems.push({ part, what: `names ${files[part]}, which ${wrong}` });
  }
  if (problems.length > 0) return { contents, problems };
  const { cert, key } = contents;
  try {
    if (cert !== undefined && key !== undefined && !isPair(cert, key)) {
      const what = `names ${files.key}, which is not the key of the certificate in ${files.cert}`;
      problems.push({ part: "key", what });
    } else createSecureContext(contents);
  } catch (error) {
    problems.push({ part: cert === undefined ? "ca" : "cert", what: `cannot be used: ${messageOf(error)}` });
  }
  return { contents, problems };
}

/**
 * A context for TLS with what the files hold, made anew when that has changed. While they are of no use it is the
 * one from before, and `onFailure` is told why.
 */
export function followedContext(files: TlsFiles, onFailure: (reason: string) => void): () => SecureContext {
  let made: { of: string; context: SecureContext } | undefined;
  return keepingLast(() => {
    const of = JSON.stringify(readTlsTexts(files));
    if (made?.of !== of) made = { of, context: secureContextOf(files) };
    return made.context;
  }, onFailure);
}

/** A context for TLS with what the files hold now. Throws if they are of no use, and says so by their paths. */
function secureContextOf(files: TlsFiles): SecureContext {
  const { contents, problems } = readTls(files);
  if (problems.length > 0)
    throw new Error(problems.map(({ what }) => what.replace(/^names /, "")).join("; "));
  return createSecureContext({ ...contents, minVersion: oldestTls });
}

/** Reads the files as they are. The only problem is that one cannot be read. */
export function readTlsTexts(files: TlsFiles): TlsReading {
  const reading: TlsReading = { contents: {}, problems: [] };
  for (const part of parts) {
    const path = files[part];
    if (path === undefined) continue;
    try {
      reading.contents[part] = readFileSync(path, "utf8");
    } catch (error) {
      reading.problems.push({ part, what: `names ${path}, which cannot be read: ${messageOf(error)}` });
    }
  }
  return reading;
}

function wrongWith(part: Part, text: string): string | undefined {
  if (part === "key") {
    return succeeds(() => createPrivateKey(text))
      ? undefined
      : "has no private key in PEM without a passphrase";
  }
  const certificates = text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  if (certificates.length === 0) return "has no certificate in PEM";
  const areWhole = certificates.every((certificate) => succeeds(() => new X509Certificate(certificate)));
  return areWhole ? undefined : "has a certificate that is damaged";
}

function isPair(cert: string, key: string): boolean {
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
