"""How fast Answer is beside its peers, on the same data in the same run (README.md)."""
