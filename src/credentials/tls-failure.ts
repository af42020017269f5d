// Why TLS failed, in words: OpenSSL's are for those who know OpenSSL.

const UNTRUSTED = "its certificate is signed by no authority that is trusted here";
const NOT_TLS = "it does not speak TLS";
const VERSION = "no version of TLS is spoken on both sides";
const NO_ALPN = "no protocol is spoken on both sides (ALPN)";
const ASKS_CERTIFICATE = "it asks for a certificate and was shown none";
const REFUSED = "it does not accept the certificate that it was shown";

/** By the error codes that Node gives, which are OpenSSL's, those of a peer's alert without their prefix. "it" is the peer. */
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  CERT_REVOKED: "its certificate was revoked",
  INVALID_PURPOSE: "its certificate is not for this use",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_RECORD_LAYER_FAILURE: NOT_TLS,
  ERR_SSL_UNEXPECTED_MESSAGE: NOT_TLS,
  ERR_SSL_HTTP_REQUEST: "it speaks HTTP without TLS",
  ERR_SSL_HTTPS_PROXY_REQUEST: "it speaks HTTP without TLS",
  ERR_SSL_UNSUPPORTED_PROTOCOL: VERSION,
  ALERT_PROTOCOL_VERSION: VERSION,
  ERR_SSL_NO_SHARED_CIPHER: "no cipher is spoken on both sides",
  ERR_SSL_NO_APPLICATION_PROTOCOL: NO_ALPN,
  ALERT_NO_APPLICATION_PROTOCOL: NO_ALPN,
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "it showed no certificate",
  ALERT_CERTIFICATE_REQUIRED: ASKS_CERTIFICATE,
  ALERT_UNKNOWN_CA: REFUSED,
  ALERT_DECRYPT_ERROR: REFUSED,
  ALERT_BAD_CERTIFICATE: REFUSED,
  ALERT_CERTIFICATE_EXPIRED: `${REFUSED}: expired`,
  ALERT_CERTIFICATE_UNKNOWN: REFUSED,
  ALERT_UNSUPPORTED_CERTIFICATE: REFUSED,
  ALERT_HANDSHAKE_FAILURE:
    "it refuses the handshake: it may ask for a certificate, or speak no cipher that is spoken here",
  ERR_TLS_HANDSHAKE_TIMEOUT: "it did not end the handshake in time",
};

/** OpenSSL's versions name the same alert after different protocols. */
const ALERT_PREFIX = /^ERR_SSL_(SSLV3|TLSV1|TLSV13|SSL\/TLS)_(?=ALERT_)/;

/** Codes of OpenSSL's verification come with Node's errors as they are; others begin so. */
const OF_TLS = /^ERR_(SSL|TLS)_/;

/**
 * Why a TLS connection failed, for people, with the code for those who search; undefined for errors that are not of TLS.
 * In it, "it" is the peer.
 */
export function describeTlsFailure(error: Error): string | undefined {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const known = code.replace(ALERT_PREFIX, "");
  const reason = Object.hasOwn(REASONS, known) ? REASONS[known] : undefined;
  if (reason === undefined) return OF_TLS.test(code) ? `TLS: ${error.message} (${code})` : undefined;
  // The names that the certificate does have are in Node's words only.
  const detail = "reason" in error && code === "ERR_TLS_CERT_ALTNAME_INVALID" ? `: ${String(error.reason)}` : "";
  return `TLS: ${reason}${detail} (${code})`;
}
