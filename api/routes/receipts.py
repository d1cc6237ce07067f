"""`/api/v1/receipts`: windows report how far they have come, operators see it."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from api.receipts import ReceiptBody
from api.services import Services
from ecert.web.problems import Code, Problem, read_json

Token = Annotated[str | None, Header(alias="Authorization")]


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/v1/receipts", tags=["receipts"])

    @routes.post(
        "",
        status_code=204,
        operation_id="report",
        summary="窗口回执 A window reports what it holds",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ReceiptBody.model_json_schema()}},
            }
        },
    )
    async def report(request: Request, authorization: Token = None) -> Response:
        """Keep the receipt in the place of the window's last one; sent twice, it is the same."""
        window = await services.receipts.authenticate(authorization)
        services.receipts.take(window, read_json(ReceiptBody, await request.body()))
        return Response(status_code=204)

    @routes.get("", operation_id="propagation", summary="传播情况 How far everything has come")
    async def propagation(authorization: Token = None) -> dict[str, Any]:
        """Return, for each region, its newest step, how many windows have it, and which are behind since when."""
        window = await services.receipts.authenticate(authorization)
        if not window.operator:
            raise Problem(Code.UNAUTHENTICATED, "an operator's token is needed", status=403)
        return {"regions": await services.receipts.summary()}

    return routes
