"""The demonstration's holders, and a phone with an app that shows their licences (`docs/presenting.md`)."""

from __future__ import annotations

import hashlib
import json
import secrets
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from http.cookiejar import CookieJar
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from demo_commands import FailedError

APP: Final = "example.app:/signed-in"
"""Where the provider's answer comes back to the app."""
HOLDERS: Final[dict[str, dict[str, Any]]] = {
    "holder-wang": {
        "code_type": "111",
        "code": "440000199003070024",
        "name": "王示例",
        "organisations": [
            {"code_type": "001", "code": "91440106DEMX000498", "name": "广州示例样品云图智能制造科技发展有限公司"}
        ],
    },
    "holder-li": {"code_type": "111", "code": "440000198511260030", "name": "李样张"},
    "holder-zhao": {"code_type": "111", "code": "310000197805200056", "name": "赵演示"},
}
"""Subject at the provider → what it says of them."""
ABOUT: Final = {
    "holder-wang": "持证人，并为一家企业办事 holder, acts for a company too",
    "holder-li": "持证人 holder",
    "holder-zhao": "持证人，证照在上海 holder, licences in Shanghai",
}


def people() -> list[dict[str, Any]]:
    """Return the holders as the development provider lists them."""
    return [
        {"subject": subject, "name": claims["name"], "about": ABOUT[subject], "claims": claims}
        for subject, claims in HOLDERS.items()
    ]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nothing: an app looks where it is sent."""


class Phone:
    """An app on somebody's phone."""

    def __init__(self, origin: str, subject: str) -> None:
        """Sign in at a region's service by authorization code with PKCE, as somebody of the provider's list.

        Raises:
            FailedError: the service or the provider does not let them in.
        """
        self._origin = origin
        self._opener = urllib.request.build_opener(_Stay(), urllib.request.HTTPCookieProcessor(CookieJar()))
        verifier = secrets.token_urlsafe(48)
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        address = f"{origin}/holder/sign-in/unified?{urlencode({'app': APP, 'challenge': challenge})}"
        address = f"{self._sent(address)}&{urlencode({'login_hint': subject})}"
        back = self._sent(self._sent(address))
        code = parse_qs(urlsplit(back).query)["code"][0]
        self._token = ""
        self._token = self.call("POST", "/session", {"code": code, "verifier": verifier})["token"]

    def _sent(self, address: str) -> str:
        """Return where an address sends the browser."""
        try:
            with self._opener.open(address, timeout=30) as answer:
                raise FailedError(f"{address} was answered with {answer.status} where it should lead on")
        except urllib.error.HTTPError as error:
            if "Location" not in error.headers:
                raise FailedError(f"{address}: {error.read().decode()[:300]}") from error
            return urljoin(address, error.headers["Location"])

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return what the service answers to the holder.

        Raises:
            FailedError: it refuses.
        """
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        headers |= {"Authorization": f"Bearer {self._token}"} if self._token else {}
        url = f"{self._origin}/api/v1/holder{path}"
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  (a loopback address of ours)
        try:
            with self._opener.open(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise FailedError(f"{method} {path}: {error.code} {error.read().decode()[:300]}") from error

    def licences(self, region: str) -> list[dict[str, Any]]:
        """Return the holder's licences of a region, as the phone lists them."""
        found = self.call("GET", "/licences")
        if found["silent"]:
            raise FailedError(f"these regions did not answer: {found['silent']}")
        listed: list[dict[str, Any]] = next(one["licences"] for one in found["regions"] if one["region"] == region)
        return listed

    def show(self, region: str, licence: dict[str, Any]) -> dict[str, Any]:
        """Put a licence up under a dynamic code, with all of its items."""
        fields = [one["name"] for one in licence["items"]]
        wanted = {"identifier": licence["identifier"], "fields": fields}
        shown: dict[str, Any] = self.call("POST", "/showings", {"region": region, "licences": [wanted]})
        return shown

    def answer(self, region: str, answer: str) -> dict[str, Any]:
        """Answer the request of a region that waits for it; return the request."""
        found = self.call("GET", "/consents")["regions"]
        requests = next(one["consents"] for one in found if one["region"] == region)
        request = next(one for one in requests if one["answer"] == "asked")
        answered: dict[str, Any] = self.call("POST", f"/consents/{region}/{request['id']}/answer", {"answer": answer})
        return answered
