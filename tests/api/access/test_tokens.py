"""Access tokens: asked for with a signature, good for a while, within roles, and for callers who may still call."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from api.access.callers import CallerBook
from api.access.principals import Role
from api.access.tokens import LIFETIME, Tokens
from ecert.sm2 import PrivateKey, PublicKey
from ecert.web.access_tokens import verify
from tests.api.office import ORIGIN
from tests.api.province import GUANGDONG
from tests.api.test_service import problem

if TYPE_CHECKING:
    import httpx2

    from api.access.principals import Principal
    from tests.api.office import Site

PATH = "/api/v1/token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GRANT = "grant_type=client_credentials"


def ask(site: Site, who: str, body: str = GRANT) -> httpx2.Response:
    return site.call(who, "POST", PATH, content=body.encode(), headers=FORM)


def use(site: Site, token: str, path: str = "/api/v1/overview", scheme: str = "Bearer") -> httpx2.Response:
    return site.client.get(path, headers={"Authorization": f"{scheme} {token}"})


def test_a_token_speaks_for_whoever_signed_for_it(site: Site) -> None:
    site.region.provinces.issue()
    answer = ask(site, "issuer-clerk")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, "issuer-clerk")
    assert use(site, body["access_token"]).json()["licences"] == 1
    assert use(site, body["access_token"], scheme="bearer").status_code == 200
    other = ask(site, "other-issuer-clerk").json()["access_token"]
    assert use(site, other).json()["licences"] == 0


def test_whoever_has_the_published_keys_can_check_a_token(site: Site) -> None:
    token = ask(site, "auditor").json()["access_token"]
    found = site.client.get("/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == ORIGIN
    assert found["token_endpoint"] == ORIGIN + PATH
    (key,) = site.client.get(found["jwks_uri"].removeprefix(ORIGIN)).json()["keys"]
    point = b"".join(int.from_bytes(_unpadded(key[axis])).to_bytes(32) for axis in "xy")
    keys = {key["kid"]: PublicKey.from_point(b"\x04" + point)}
    claims = verify(token, keys, issuer=ORIGIN, audience=ORIGIN, now=datetime.now(UTC))
    assert claims.scope == ("auditor",)
    assert claims.ends - claims.issued == LIFETIME


def _unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_token_has_the_roles_that_were_asked_for_and_no_other(site: Site) -> None:
    site.region.add_system("both", Role.ISSUER_CLERK, Role.AUDITOR)
    assert ask(site, "both").json()["scope"] == "auditor issuer-clerk"
    narrow = ask(site, "both", f"{GRANT}&scope=auditor").json()
    assert narrow["scope"] == "auditor"
    assert use(site, narrow["access_token"]).status_code == 200
    problem(use(site, narrow["access_token"], "/api/v1/licences/nothing"), 403, "forbidden")
    wide = ask(site, "both", f"{GRANT}&scope=auditor%20issuer-clerk").json()
    assert use(site, wide["access_token"], "/api/v1/licences/nothing").status_code == 404


WRONG = (
    "",
    "grant_type=password",
    "grant_type=client_credentials&grant_type=client_credentials",
    f"{GRANT}&scope=region-operator",
    f"{GRANT}&scope=issuer-clerk%20issuer-clerk",
    f"{GRANT}&scope=issuer-clerk%20",
    f"{GRANT}&scope=",
    f"{GRANT}&client_id=somebody",
    f"{GRANT}&scope=%ff",
    "&".join(f"a{number}=1" for number in range(200)),
    "grant_type=client_credentials" + "x" * 3000,
)


def test_a_request_that_asks_for_something_else_is_refused(site: Site) -> None:
    for body in WRONG:
        assert problem(ask(site, "issuer-clerk", body), 422, "request-invalid")["errors"], body


def test_a_token_is_asked_for_with_a_signature_alone(site: Site) -> None:
    problem(ask(site, ""), 401, "unauthenticated")
    token = ask(site, "issuer-clerk").json()["access_token"]
    again = site.client.post(PATH, content=GRANT, headers=FORM | {"Authorization": f"Bearer {token}"})
    problem(again, 401, "unauthenticated")
    problem(
        site.call("issuer-clerk", "POST", PATH, json={"grant_type": "client_credentials"}),
        415,
        "media-type-unsupported",
    )


def test_a_token_ends_at_once_with_its_callers_access(site: Site) -> None:
    token = ask(site, "issuer-clerk").json()["access_token"]
    with site.region.ledger() as ledger:
        book = CallerBook(ledger.database, GUANGDONG)
        key = site.region.keys["issuer-clerk"].public_key.key_id.hex()
        caller = book.by_key(key)
        assert caller is not None
        book.end(caller.principal.id, site.office.clock())
    answer = use(site, token)
    problem(answer, 401, "unauthenticated")
    assert "Bearer" in answer.headers["www-authenticate"]


def test_a_token_that_is_old_altered_or_anothers_is_refused(site: Site) -> None:
    assert site.office.tokens is not None
    principal = _principal(site)

    def made(signer: PrivateKey, origin: str = ORIGIN, ago: timedelta = timedelta()) -> str:
        return Tokens(signer, origin, lambda: datetime.now(UTC) - ago).issue(principal, frozenset(principal.roles))

    ours = site.region.provinces.country.keys["tokens"]
    assert use(site, made(ours)).status_code == 200
    problem(use(site, made(ours, ago=LIFETIME + timedelta(minutes=2))), 401, "token-expired")
    problem(use(site, made(ours, origin="https://elsewhere.example")), 401, "token-issuer")
    problem(use(site, made(PrivateKey.generate())), 401, "token-key-unknown")
    good = made(ours)
    problem(use(site, good[:-3] + ("AAA" if good[-3:] != "AAA" else "BBB")), 401, "token-signature-bad")
    for rubbish in ("x", "a.b.c", "a..c", "Bearer " + good):
        problem(use(site, rubbish), 401, "token-malformed")


def _principal(site: Site) -> Principal:
    with site.region.ledger() as ledger:
        found = CallerBook(ledger.database, GUANGDONG).by_key(site.region.keys["issuer-clerk"].public_key.key_id.hex())
        assert found is not None
        return found.principal
