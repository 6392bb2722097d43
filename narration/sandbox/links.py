"""Download links: signed, expiring, and served as the vendor's object storage does.

Invariant: a link is good until its expiry, on any port, after any restart, and without a key; a changed one never is.

Source: Alibaba Cloud OSS, "Add signatures to URLs" (version 1): base64(HMAC-SHA1(secret, verb, expiry, resource)).
"""

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from starlette.responses import Response

from narration.sandbox.wire import xml_error

ACCESS_KEY_ID = "LTAI5tSandboxNarrate0001"
BUCKET = "dashscope-result-sandbox"
_PATH = re.compile(r"/oss/[0-9a-f]{2}/[0-9a-f]{2}/\d{8}/[0-9a-f]{8}/(?P<key>[0-9a-f]{40})\.(?:wav|mp3|pcm|opus)")


class Links:
    """Makes links and checks them.

    Args:
        secret: what signs them.
        clock: the time of day in seconds since the epoch.
    """

    def __init__(self, secret: bytes, clock: Callable[[], float]) -> None:
        self._secret = secret
        self._clock = clock

    def make(self, origin: str, key: str, request_id: str, expires_s: int, form: str = "wav") -> str:
        """Return the link to a file, e.g. `http://127.0.0.1:8000/oss/….wav?Expires=…&OSSAccessKeyId=…&Signature=…`."""
        tag = request_id.replace("-", "")
        day = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y%m%d")
        path = f"/oss/{tag[:2]}/{tag[2:4]}/{day}/{tag[4:12]}/{key}.{form}"
        query = {"Expires": expires_s, "OSSAccessKeyId": ACCESS_KEY_ID, "Signature": self._sign(path, str(expires_s))}
        return f"{origin}{path}?{urlencode(query, quote_via=quote, safe='')}"

    def check(self, path: str, query: Mapping[str, str], host: str) -> str | Response:
        """Return the key of the file that a link names, or the object storage's refusal."""
        match = _PATH.fullmatch(path)
        expires = query.get("Expires", "")
        if match is None:
            return xml_error(404, "NoSuchKey", "The specified key does not exist.", host, {"Key": path.lstrip("/")})
        if not expires.isdecimal() or not query.get("Signature") or not query.get("OSSAccessKeyId"):
            message = "You have no right to access this object because of bucket acl."
            return xml_error(403, "AccessDenied", message, host)
        if int(expires) <= self._clock():
            times = {"Expires": _iso(int(expires)), "ServerTime": _iso(int(self._clock()))}
            return xml_error(403, "AccessDenied", "Request has expired.", host, times)
        if query["OSSAccessKeyId"] != ACCESS_KEY_ID:
            message = "The OSS Access Key Id you provided does not exist in our records."
            return xml_error(403, "InvalidAccessKeyId", message, host, {"OSSAccessKeyId": query["OSSAccessKeyId"]})
        if not hmac.compare_digest(query["Signature"].encode(), self._sign(path, expires).encode()):
            message = (
                "The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method."
            )
            extra = {"OSSAccessKeyId": ACCESS_KEY_ID, "SignatureProvided": query["Signature"]}
            return xml_error(403, "SignatureDoesNotMatch", message, host, extra)
        return match["key"]

    def _sign(self, path: str, expires: str) -> str:
        text = f"GET\n\n\n{expires}\n/{BUCKET}{path}"
        return base64.b64encode(hmac.digest(self._secret, text.encode(), "sha1")).decode()


def _iso(seconds: int) -> str:
    """Return a time as the object storage writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
