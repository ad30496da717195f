"""The SQL of each noun. Nothing here decides who may see what: the conditions come from the resolvers."""
