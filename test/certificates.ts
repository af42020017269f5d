// Certificates for tests, made by openssl when they are needed.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An authority, and what it has signed. */
export interface Authority {
  /** The folder that everything is in. */
  readonly folder: string;
  /** The authority's own certificate. */
  readonly ca: string;
  /** Makes a certificate and its key, and gives their paths. */
  issue(name: string, options: IssueOptions): Pair;
  remove(): void;
}

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** Subject alternative names, as in `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
  /** Whether it was valid in the past only. */
  readonly expired?: boolean;
}

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A new authority in a folder of its own. */
export function createAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), "causeway-tls-"));
  const at = (name: string) => join(folder, name);
  const ca = at("ca.pem");
  openssl("req", "-x509", ...EC, "-keyout", at("ca.key"), "-out", ca, "-subj", "/CN=test authority", "-days", "2");
  return {
    folder,
    ca,
    issue(name, { names, expired = false }) {
      const [cert, key, request, extensions] = [at(`${name}.pem`), at(`${name}.key`), at("request"), at("extensions")];
      openssl("req", "-new", ...EC, "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
      writeFileSync(extensions, names === undefined ? "" : `subjectAltName=${names}\n`);
      // Not a day: tests of the last certificate's serial number would collide.
      const validity = expired ? ["-days", "-1"] : ["-days", "1"];
      const signer = ["-CA", ca, "-CAkey", at("ca.key"), "-CAcreateserial", "-extfile", extensions];
      openssl("x509", "-req", "-in", request, "-out", cert, ...signer, ...validity);
      return { cert, key };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
