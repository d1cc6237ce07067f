"""A province's electronic seal: made, filed and published, so that a window believes the files of its licences."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ecert.cli.fonts import load_fonts
from ecert.cli.pixels import qr_modules
from ecert.licence_file import FileMaker
from ecert.ofd.sealing import Sealer
from ecert.revocation.seal_list import SealEvent, SealState, SealStatusList, seal_seal_list
from ecert.seal import make_seal
from ecert.trust import EntryState, Member, Role, StateChange
from ecert.x509 import Profile
from tests.seal import forge
from tests.seal.world import World
from tests.verifier.province import DAY, REGION, now

if TYPE_CHECKING:
    from tests.verifier.province import Province

MAKER = "91440000DEMG90019D"


def make_files(province: Province) -> FileMaker:
    """Register a seal maker, have the department's seal made and filed, and publish both."""
    province._certify("maker", Profile.SEAL_MAKER, REGION)
    active = (StateChange(EntryState.ACTIVE, now() - 300 * DAY, ""),)
    der = province.certificates["maker"].der
    province.repository.add_member(
        REGION, Member(Role.SEAL_MAKER, MAKER, "样例制章单位", "Sample seal maker", (der,), (), active)
    )
    province.publish_registry()
    world = World(province.keys, province.certificates)
    asked = forge.request(world, created=now() - DAY, not_before=now() - DAY, not_after=now() + 300 * DAY)
    seal = make_seal(asked, signer=province.keys["maker"], certificate=province.certificates["maker"])
    filed = SealEvent(SealState.ACTIVE, now() - DAY, now() - DAY)
    listing = SealStatusList(REGION, 1, now(), now() + timedelta(days=7), {seal.info.code: (filed,)})
    province._write(f"status/{REGION}/seals.bin", seal_seal_list(listing, province.keys["status"]))
    sealer = Sealer(province.keys["department"], province.certificates["department"])
    return FileMaker(seal, sealer, load_fonts(), qr_modules, "zz.example")
