"""`python -m api development-provider`: people to sign in as, for demonstrations on one machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.access.cookies import is_loopback
from api.access.providers import HOLDER_RETURN_PATH, RETURN_PATH
from ecert.cli import entry
from ecert.cli.files import read_bounded
from ecert.errors import EcertError, MalformedError, Reason

if TYPE_CHECKING:
    from api.access.development_provider import Person

_MAX_FILE = 256 * 1024


class _PersonEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    subject: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    name: Annotated[str, Field(min_length=1, max_length=64)]
    about: Annotated[str, Field(max_length=128)] = ""
    claims: dict[str, Any] = {}


def development_provider(
    *,
    people: Annotated[
        Path, typer.Option(help='人员清单 Who may be chosen: [{"subject", "name", "about", "claims"}, …]')
    ],
    client_secret_file: Annotated[Path, typer.Option(help="客户端密钥文件 File with the client's secret")],
    origin: Annotated[str, typer.Option(help="制证服务地址 Origin of the service that people sign in to")],
    client_id: Annotated[str, typer.Option(help="客户端名 The service's name here")] = "ecert",
    port: Annotated[int, typer.Option(min=1, max=65535, help="端口，只在本机监听 Port, on this machine alone")] = 8449,
    development: Annotated[bool, typer.Option(help="确认仅用于演示 Confirm that nothing here is real")] = False,
) -> int:
    """演示用身份提供方：不问口令，任选一人登录；须加 --development An identity provider without passwords."""
    if not development:
        raise EcertError(Reason.USAGE, "this provider asks nobody for a password: confirm by --development")
    if not is_loopback(origin):
        raise EcertError(Reason.USAGE, f"{origin} is not http on this machine, so it may be real")
    import uvicorn  # noqa: PLC0415  (as `serve` does)

    from api.access.development_provider import DevelopmentProvider  # noqa: PLC0415

    secret = read_bounded(client_secret_file, 1024, Reason.USAGE).decode("utf-8", "replace").strip()
    address = f"http://127.0.0.1:{port}"
    provider = DevelopmentProvider(
        address,
        _read_people(people),
        client_id=client_id,
        client_secret=secret,
        redirect_uri=origin + RETURN_PATH,
        holder_redirect_uri=origin + HOLDER_RETURN_PATH,
    )
    entry.say(f"{address} 仅供演示 for demonstrations alone")
    uvicorn.Server(uvicorn.Config(provider.app(), host="127.0.0.1", port=port, log_config=None)).run()
    return entry.OK


def _read_people(file: Path) -> "list[Person]":
    from api.access.development_provider import Person  # noqa: PLC0415  (as above)

    data = read_bounded(file, _MAX_FILE, Reason.USAGE)
    try:
        entries = TypeAdapter(list[_PersonEntry]).validate_json(data)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False))
        raise MalformedError(Reason.DATA_MALFORMED, f"{file}: {wrong}") from error
    return [Person(one.subject, one.name, one.about, one.claims) for one in entries]
