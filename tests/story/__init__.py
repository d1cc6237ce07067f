"""The whole of it, as people live it: everything runs, each in a process of its own, and they use browsers."""
