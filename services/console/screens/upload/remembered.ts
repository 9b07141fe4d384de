import type { BegunUpload } from "../../model/begun-uploads.ts";
import { formatBegun, parseBegun } from "../../model/begun-uploads.ts";

const place = "kato-uploads";

/** The uploads that this browser has begun and that did not end. */
export function readBegun(): BegunUpload[] {
  try {
    return parseBegun(localStorage.getItem(place), Date.now());
  } catch {
    // Somebody lets no page keep anything: then an upload goes on only while this page is open.
    return [];
  }
}

export const remember = (upload: BegunUpload): void =>
  write([...readBegun().filter(({ key }) => key !== upload.key), upload]);

export const forget = (upload: BegunUpload): void =>
  write(readBegun().filter(({ key }) => key !== upload.key));

function write(begun: readonly BegunUpload[]): void {
  try {
    localStorage.setItem(place, formatBegun(begun));
  } catch {
    // As above.
  }
}
