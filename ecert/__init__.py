"""Electronic licences (电子证照): issue, seal with SM2, and verify them; no I/O outside `cli/`."""
