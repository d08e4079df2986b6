"""Reports: one self-contained page per test, and one for two runs side by side."""
