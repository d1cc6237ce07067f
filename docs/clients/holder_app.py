"""A holder's app in one file: signs in through a browser, lists the licences, shows one (docs/presenting.md).

    python holder_app.py https://licences.example example.app:/signed-in

Python 3.9 or later, nothing else. A real app is sent the last address by the system; here it is pasted.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen


class App:
    """A holder's session with one service."""

    def __init__(self, origin: str, address: str) -> None:
        """Sign in at `origin`; the app is sent back to `address`, which is registered there."""
        self._origin, self._address, self._token = origin.rstrip("/"), address, ""
        self._verifier = secrets.token_urlsafe(48)

    def sign_in_address(self) -> str:
        """Return what the system's browser is to open."""
        digest = hashlib.sha256(self._verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return f"{self._origin}/holder/sign-in/unified?{urlencode({'app': self._address, 'challenge': challenge})}"

    def finish(self, came_back: str) -> None:
        """Exchange the code in the address that the browser came back with."""
        code = parse_qs(urlsplit(came_back).query)["code"][0]
        self._token = self.call("POST", "/session", {"code": code, "verifier": self._verifier})["token"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the service as the holder; what it refuses it says by a stable code."""
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self._token}"} if self._token else {}
        )
        request = Request(f"{self._origin}/api/v1/holder{path}", data, headers, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310  (the address is the user's own)
                return json.load(answer)
        except HTTPError as error:
            raise SystemExit(f"{error.code} {json.load(error)['code']}") from error

    def licences(self) -> Any:
        """Return the licences of every region, after saying which did not answer."""
        found = self.call("GET", "/licences")
        for name in found["silent"]:
            print(f"! {name['zh']} 没有应答 does not answer")
        return [one for region in found["regions"] for one in region["licences"]]

    def show(self, licence: Any) -> Any:
        """Show one licence, with its holder's name and code disclosed."""
        fields = ["certificateHolderCode", "certificateHolderName"]
        chosen = [{"identifier": licence["identifier"], "fields": fields}]
        return self.call("POST", "/showings", {"region": licence["region"], "licences": chosen})

    def wait(self, region: str, key: str) -> Any:
        """Wait until a window takes what is shown, or its time is over."""
        while True:
            found = self.call("GET", f"/showings/{region}/{key}")
            if found["state"] != "up":
                return found
            time.sleep(1)


def main() -> None:
    """Go from nothing to a licence that is shown."""
    app = App(*sys.argv[1:3])
    print("在浏览器打开 open in a browser:\n ", app.sign_in_address(), flush=True)
    app.finish(input("浏览器回到的地址 the address it came back with: "))
    found = app.licences()
    for licence in found:
        print(f"  {licence['title']['zh']}  {licence['holder']}  {licence['number']}  {licence['state']}")
    shown = app.show(found[0])
    print("画成二维码 draw as a QR code:\n ", shown["text"], flush=True)
    print(json.dumps(app.wait(found[0]["region"], shown["key"]), ensure_ascii=False))


if __name__ == "__main__":
    main()
