"""OFD files (GB/T 33190): read and verified, laid out, written and sealed, drawn, and annotated."""
