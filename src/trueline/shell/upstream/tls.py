"""TLS contexts, and sentences for the checks that fail."""

from __future__ import annotations

import ssl

from trueline.errors import UpstreamTLSError
from trueline.shell.upstream.options import TLSOptions

__all__ = ["DEFAULT_TLS", "make_context", "tls_error"]

DEFAULT_TLS = TLSOptions()

# X509_V_ERR_* of OpenSSL's x509_vfy.h
_FAILED_CHECKS = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed; set ca_file to trust it",
    19: "its certificate was issued by an unknown self-signed authority; set ca_file to trust it",
    20: "its certificate was issued by an unknown authority; set ca_file to trust it",
    21: "its certificate was issued by an unknown authority, or it does not send the intermediate certificates",
    23: "its certificate has been revoked",
    62: "its certificate is for another host name (hostname mismatch)",
    64: "its certificate is for another address (hostname mismatch)",
}

_REASONS = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS there; is it an http:// address?",
    "HTTP_REQUEST": "it does not speak TLS there; is it an http:// address?",
    "RECORD_LAYER_FAILURE": "it does not speak TLS there; is it an http:// address?",
    "UNSUPPORTED_PROTOCOL": "it only speaks a TLS version that is no longer safe",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks no TLS version that we do",
    "UNEXPECTED_EOF_WHILE_READING": "it closed the connection during the handshake",
}


def make_context(options: TLSOptions) -> ssl.SSLContext:
    """A client context for `options`.

    Raises:
        UpstreamTLSError: `ca_file` cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=options.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UpstreamTLSError(f"The CA file of the upstream cannot be used: {_os_words(error)}.") from error
    if not options.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # only where the setting asks for it
    context.set_alpn_protocols(["http/1.1"])
    return context


def tls_error(where: str, error: Exception) -> UpstreamTLSError:
    """The error for a handshake with `where` (host:port) that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _FAILED_CHECKS.get(error.verify_code, f"its certificate is not valid ({error.verify_message})")
    elif isinstance(error, ssl.SSLError):
        reason = error.reason or "unknown reason"
        why = _REASONS.get(reason, reason.lower().replace("_", " "))
    else:
        why = "it closed the connection during the handshake"
    return UpstreamTLSError(f"{where} failed the TLS handshake: {why}.")


def _os_words(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, ssl.SSLError):
        return "it holds no PEM certificate"
    return (error.strerror or "it cannot be read").lower()
