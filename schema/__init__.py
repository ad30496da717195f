"""The graph: thin Strawberry types, each field one call to a resolver."""
