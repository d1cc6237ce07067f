"""The `ecert` command, and what the applications' command lines share: files, the clock, pixels, words."""
