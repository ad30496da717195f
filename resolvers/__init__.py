"""What the helpdesk does: plain async functions that take a context and give rows. No GraphQL, no HTTP."""
