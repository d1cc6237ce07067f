"""Who is in the demonstration: two regions, their invented departments, seal makers and time-stamping authorities."""

from __future__ import annotations

from dataclasses import dataclass

REGIONS = {"440000": ("广东省", "Guangdong"), "310000": ("上海市", "Shanghai")}


@dataclass(frozen=True)
class Department:
    """An invented department with the licence types it issues, by slug."""

    region: str
    code: str
    name: str
    name_en: str
    types: tuple[str, ...]

    @property
    def seal(self) -> str:
        """The code of its electronic seal: its region, and its number there."""
        return f"{self.region}{DEPARTMENTS.index(self) + 1:08}"


DEPARTMENTS = (
    Department(
        "440000",
        "11440000DEMG100223",
        "广东省样例市场监督管理局",
        "Guangdong Sample Market Regulator",
        ("business-licence", "food-business-licence"),
    ),
    Department(
        "440000",
        "11440000DEMG100148",
        "广东省样例公安厅",
        "Guangdong Sample Public Security",
        ("resident-identity-card", "driving-licence", "vehicle-licence"),
    ),
    Department(
        "440000",
        "11440000DEMG10030X",
        "广东省样例民生与建设厅",
        "Guangdong Sample Social and Building Affairs",
        ("social-security-card", "construction-permit", "real-estate-certificate"),
    ),
    Department(
        "310000",
        "11310000DEMH10023M",
        "上海市样例市场监督管理局",
        "Shanghai Sample Market Regulator",
        ("business-licence", "food-business-licence", "construction-permit", "real-estate-certificate"),
    ),
    Department(
        "310000",
        "11310000DEMH10015T",
        "上海市样例公安局",
        "Shanghai Sample Public Security",
        ("resident-identity-card", "driving-licence", "vehicle-licence", "social-security-card"),
    ),
)
TSAS = {
    "440000": ("91440000DEMG90019D", "广东省样例时间戳服务中心", "Guangdong Sample Time Stamps"),
    "310000": ("91310000DEMH900202", "上海市样例时间戳服务中心", "Shanghai Sample Time Stamps"),
}
SEAL_MAKERS = {
    "440000": ("12440000DEMG90018F", "广东省样例印章制作中心", "Guangdong Sample Seal Maker"),
    "310000": ("12310000DEMH900192", "上海市样例印章制作中心", "Shanghai Sample Seal Maker"),
}
