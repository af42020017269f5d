// Certificates and keys from files, read again when the files change. What is built from them, and when to look, is left
// to those who use them.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Log } from "../base/log.ts";

/** Where the files are. */
export interface CredentialFiles {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
}

/** What stands in them: PEM, several certificates behind each other where a file has several. */
export type Pems = { readonly [name in keyof CredentialFiles]: Buffer | undefined };

/** A file that cannot be used; the message names it and says why. */
export class CredentialsError extends Error {
  override readonly name = "CredentialsError";
  /** Which of the files. */
  readonly which: keyof CredentialFiles;

  constructor(which: keyof CredentialFiles, message: string, cause?: unknown) {
    super(message, { cause });
    this.which = which;
  }
}

/** What was made of the files. */
export interface Credentials<T> {
  /** Made of the files when they were last good. */
  readonly current: T;
  /**
   * Looks whether the files have changed since, by what they are and not by their names, so that a folder swapped behind
   * a link is seen. True when `current` is new; files that cannot be used are logged, once, and `current` stays.
   */
  refresh(): boolean;
}

/** Reads the files and makes something of them; throws a CredentialsError when they cannot be used. */
export function loadCredentials<T>(files: CredentialFiles, build: (pems: Pems) => T, log: Log): Credentials<T> {
  let seen = stateOf(files);
  let current = build(readPems(files));
  return {
    get current() {
      return current;
    },
    refresh() {
      const state = stateOf(files);
      if (state === seen) return false;
      seen = state;
      try {
        current = build(readPems(files));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        log.error({ ...files, reason }, "changed TLS files cannot be used: the ones before stay in use");
        return false;
      }
      log.info({ ...files }, "changed TLS files are in use");
      return true;
    },
  };
}

/** The files' contents, held against each other; throws a CredentialsError. */
export function readPems(files: CredentialFiles): Pems {
  const pems = { cert: read(files, "cert"), key: read(files, "key"), ca: read(files, "ca") };
  const certificate = parseCertificate("cert", files.cert, pems.cert);
  parseCertificate("ca", files.ca, pems.ca);
  if (pems.key === undefined) return pems;
  let matches: boolean;
  try {
    const key = createPrivateKey(pems.key);
    matches = certificate?.checkPrivateKey(key) ?? true;
  } catch (error) {
    throw new CredentialsError("key", `${files.key} holds no private key that can be read (PEM, no passphrase)`, error);
  }
  if (!matches) throw new CredentialsError("key", `${files.key} is not the key of the certificate in ${files.cert}`);
  return pems;
}

function read(files: CredentialFiles, which: keyof CredentialFiles): Buffer | undefined {
  const path = files[which];
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CredentialsError(which, `${path} cannot be read: ${why}`, error);
  }
}

/** The first certificate of a file. */
function parseCertificate(
  which: keyof CredentialFiles,
  path: string | undefined,
  pem: Buffer | undefined,
): X509Certificate | undefined {
  if (pem === undefined) return undefined;
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new CredentialsError(which, `${path} holds no certificate that can be read (PEM)`, error);
  }
}

/** What tells one state of the files from another. */
function stateOf(files: CredentialFiles): string {
  const states = [files.cert, files.key, files.ca].map((path) => {
    const stats = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    return stats ? `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}` : "none";
  });
  return states.join(" ");
}
