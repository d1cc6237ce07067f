from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from api.access.development_provider import DevelopmentProvider, Person
from api.access.oidc import IdentityProvider, ProviderSettings, SignIn
from ecert.errors import Reason, RejectedError, UndeterminedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
ISSUER = "http://127.0.0.1:8449"
SETTINGS = ProviderSettings(ISSUER, "ecert", "a secret", "http://127.0.0.1:8440/console/signed-in", development=True)
PEOPLE = (Person("zhang", "张样例", "样例省市场监督管理局 签发员"), Person("li", "李样例", "复核员"))


class Browser:
    """A person's browser, and the provider it talks to."""

    def __init__(self) -> None:
        self.provider = DevelopmentProvider(
            ISSUER,
            PEOPLE,
            client_id=SETTINGS.client_id,
            client_secret=SETTINGS.client_secret,
            redirect_uri=SETTINGS.redirect_uri,
        )
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(self.provider.app()))

    async def choose(self, address: str, subject: str) -> tuple[str, str]:
        """Open the page, choose somebody; return the code and the state that come back."""
        page = await self.client.get(address)
        assert page.status_code == 200
        fields = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
        for name in ("state", "nonce", "code_challenge"):
            assert fields[name] in page.text
        sent = await self.client.post(f"{ISSUER}/authorize", data={**fields, "subject": subject})
        assert sent.status_code == 303
        back = parse_qs(urlsplit(sent.headers["location"]).query)
        assert sent.headers["location"].startswith(SETTINGS.redirect_uri)
        return back["code"][0], back["state"][0]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    browser = Browser()
    yield browser
    await browser.client.aclose()


async def test_whoever_is_chosen_is_signed_in(browser: Browser) -> None:
    here = IdentityProvider(SETTINGS, browser.client)
    sign_in = SignIn.begin()
    code, state = await browser.choose(await here.address(sign_in), "li")
    assert state == sign_in.state
    identity = await here.redeem(code, sign_in)
    assert (identity.issuer, identity.subject, identity.name) == (ISSUER, "li", "李样例")


async def test_a_code_is_good_once(browser: Browser) -> None:
    here, sign_in = IdentityProvider(SETTINGS, browser.client), SignIn.begin()
    code, _ = await browser.choose(await here.address(sign_in), "li")
    await here.redeem(code, sign_in)
    with pytest.raises(RejectedError) as caught:
        await here.redeem(code, sign_in)
    assert caught.value.reason is Reason.SIGN_IN_REFUSED


async def test_a_code_stolen_from_another_browser_is_worth_nothing(browser: Browser) -> None:
    here, theirs = IdentityProvider(SETTINGS, browser.client), SignIn.begin()
    code, _ = await browser.choose(await here.address(theirs), "li")
    with pytest.raises(RejectedError):
        await here.redeem(code, SignIn.begin())


async def test_a_token_for_another_sign_in_is_refused(browser: Browser) -> None:
    here, sign_in = IdentityProvider(SETTINGS, browser.client), SignIn.begin()
    code, _ = await browser.choose(await here.address(sign_in), "li")
    with pytest.raises(RejectedError) as caught:
        await here.redeem(code, replace(sign_in, nonce="another"))
    assert "nonce" in caught.value.detail


@pytest.mark.parametrize(
    "change",
    [replace(SETTINGS, client_secret="wrong"), replace(SETTINGS, client_id="other")],
)
async def test_another_client_is_refused(browser: Browser, change: ProviderSettings) -> None:
    sign_in = SignIn.begin()
    code, _ = await browser.choose(await IdentityProvider(SETTINGS, browser.client).address(sign_in), "li")
    with pytest.raises(RejectedError):
        await IdentityProvider(change, browser.client).redeem(code, sign_in)


async def test_the_provider_for_demonstrations_is_refused_where_something_is_real(browser: Browser) -> None:
    with pytest.raises(RejectedError) as caught:
        await IdentityProvider(replace(SETTINGS, development=False), browser.client).address(SignIn.begin())
    assert "demonstrations" in caught.value.detail


@pytest.mark.parametrize("address", ["http://id.example.cn", "ftp://127.0.0.1", "javascript:alert(1)", ""])
async def test_a_provider_that_is_not_reached_safely_is_refused(browser: Browser, address: str) -> None:
    with pytest.raises(RejectedError):
        IdentityProvider(replace(SETTINGS, issuer=address), browser.client)


class Impostor:
    """A provider whose token was made by somebody else; everything else about it is as it should be."""

    def __init__(self, token: str, **published: object) -> None:
        self.token = token
        self.published = published
        self.key = ECKey.generate_key("P-256", private=True)

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        answers = {
            "/.well-known/openid-configuration": {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/keys",
                **self.published,
            },
            "/token": {"id_token": self.token},
            "/keys": {"keys": [self.key.as_dict(private=False)]},
        }
        return httpx2.Response(200, json=answers[request.url.path])


def claims(sign_in: SignIn) -> dict[str, object]:
    return {"iss": ISSUER, "aud": "ecert", "sub": "x", "nonce": sign_in.nonce, "iat": 1, "exp": 4_000_000_000}


async def test_a_token_of_another_key_or_without_a_signature_is_refused() -> None:
    sign_in = SignIn.begin()
    other = ECKey.generate_key("P-256", private=True)
    shared = OctKey.import_key("a secret that everybody knows by now, as it is long")
    tokens = [
        jwt.encode({"alg": "ES256"}, claims(sign_in), other),
        jwt.encode({"alg": "HS256"}, claims(sign_in), shared),
        "eyJhbGciOiJub25lIn0." + jwt.encode({"alg": "ES256"}, claims(sign_in), other).split(".")[1] + ".",
        "rubbish",
        "",
    ]
    for token in tokens:
        here = IdentityProvider(SETTINGS, Impostor(token).client())
        with pytest.raises(RejectedError) as caught:
            await here.redeem("code", sign_in)
        assert caught.value.reason is Reason.SIGN_IN_REFUSED


@pytest.mark.parametrize(
    "published",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": None},
        {"jwks_uri": 7},
    ],
)
async def test_a_provider_that_publishes_something_else_is_not_usable(published: dict[str, object]) -> None:
    here = IdentityProvider(SETTINGS, Impostor("x", **published).client())
    with pytest.raises(UndeterminedError):
        await here.address(SignIn.begin())


async def test_a_provider_that_does_not_answer_is_said_to_be_unreachable() -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    here = IdentityProvider(SETTINGS, httpx2.AsyncClient(transport=httpx2.MockTransport(answer)))
    with pytest.raises(UndeterminedError) as caught:
        await here.address(SignIn.begin())
    assert caught.value.reason is Reason.SOURCE_UNREACHABLE


async def test_an_endless_answer_is_cut() -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=b"x" * (1024 * 1024))

    here = IdentityProvider(SETTINGS, httpx2.AsyncClient(transport=httpx2.MockTransport(answer)))
    with pytest.raises(UndeterminedError) as caught:
        await here.address(SignIn.begin())
    assert "too long" in caught.value.detail
