"""Accepting matters at a window: cases in memory, acceptances in a register on disk, pages."""
