// Example operations, each with variables that work: ids are those of things that exist in the caller's workspace.
//
// Left out on purpose: tokenCreate. GraphiQL keeps operations and variables in localStorage, and an API secret has
// no business there; the sign-in panel does the same job.

const SOME_IDS = `query SomeIds {
  viewer { id }
  tickets(first: 1) { nodes { id } }
  organizations(first: 1) { nodes { id } }
  categories(first: 1) { nodes { id } }
}`;

/** Ids of the first ticket, organization and category that the caller may see, for the variables of the examples. */
export async function exampleIds(fetcher) {
  const { data } = await fetcher({ query: SOME_IDS, operationName: 'SomeIds' });
  return {
    viewer: data?.viewer?.id,
    ticket: data?.tickets?.nodes[0]?.id,
    organization: data?.organizations?.nodes[0]?.id,
    category: data?.categories?.nodes[0]?.id,
  };
}

// Where there is no such thing yet, an example that is about one takes the first id there will be; one that only
// mentions it leaves it out (JSON has no undefined).
function example(group, name, about, variables, query) {
  return { group, name, about, query: `${query.trim()}\n`, variables: (ids = {}) => variables(ids) };
}

export const examples = [
  example(
    'Read',
    'Inbox',
    'Open and pending tickets, the latest change first',
    () => ({
      first: 20,
      filter: { status: ['OPEN', 'PENDING'] },
      orderBy: { field: 'UPDATED_AT', direction: 'DESC' },
    }),
    `
query Inbox(
  $first: Int = 20
  $after: String
  $filter: TicketFilter
  $orderBy: TicketOrder
) {
  tickets(
    first: $first
    after: $after
    filter: $filter
    orderBy: $orderBy
  ) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id
      subject
      status
      priority
      isUntouched
      tags
      replyCount
      createdAt
      updatedAt
      firstResponseAt
      category { id name color }
      requester {
        id
        name
        email
        organization { id name }
      }
      assignedTo { id name }
      replies(last: 2) {
        nodes {
          id
          content
          isInternal
          createdAt
          author { id name type }
        }
      }
    }
  }
}`,
  ),
  example(
    'Read',
    'One ticket',
    'Everything a detail page shows: replies, watchers, history',
    ({ ticket = 'tkt_1' }) => ({ id: ticket }),
    `
query Ticket($id: ID!) {
  ticket(id: $id) {
    id
    databaseId
    version
    subject
    content
    contentHtml
    status
    priority
    tags
    metadata
    replyCount
    createdAt
    updatedAt
    firstResponseAt
    resolvedAt
    category { id name slug color }
    requester {
      id
      name
      email
      organization { id name }
    }
    assignedTo { id name email }
    watchers { id name }
    replies(first: 50) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        id
        content
        contentHtml
        isInternal
        createdAt
        author { id name type }
      }
    }
    activity(first: 50) {
      nodes { action from to timestamp user { id name } }
    }
  }
}`,
  ),
  example(
    'Read',
    'Search tickets',
    'Words in subject and content; the last may be a beginning',
    () => ({ search: 'log' }),
    `
query SearchTickets($search: String!) {
  tickets(first: 10, filter: { search: $search }) {
    totalCount
    nodes {
      id
      subject
      status
      priority
      updatedAt
      requester { name email }
    }
  }
}`,
  ),
  example(
    'Read',
    'Urgent and unassigned',
    'Filters put together, the oldest first',
    () => ({
      filter: { priority: ['HIGH', 'URGENT'], status: ['OPEN'], assignedTo: { none: true } },
      orderBy: { field: 'CREATED_AT', direction: 'ASC' },
    }),
    `
query Unassigned($filter: TicketFilter, $orderBy: TicketOrder) {
  tickets(first: 20, filter: $filter, orderBy: $orderBy) {
    totalCount
    nodes {
      id
      subject
      priority
      createdAt
      requester { name email }
    }
  }
}`,
  ),
  example(
    'Read',
    'Organization',
    'Four levels deep: its people, their tickets, the replies',
    ({ organization = 'org_1' }) => ({ id: organization }),
    `
query Organization($id: ID!) {
  organization(id: $id) {
    id
    name
    domain
    userCount
    ticketCount
    createdAt
    users(first: 10) {
      totalCount
      nodes {
        id
        name
        email
        ticketCount
        tickets(first: 5, orderBy: { field: CREATED_AT, direction: DESC }) {
          nodes {
            id
            subject
            status
            assignedTo { id name }
            replies(first: 3) {
              nodes { id content author { id name } }
            }
          }
        }
      }
    }
    tickets(first: 10, filter: { status: [OPEN, PENDING] }) {
      totalCount
      nodes { id subject priority }
    }
  }
}`,
  ),
  example(
    'Read',
    'Workspace',
    'What a frontend asks once: who am I, categories, agents',
    () => ({}),
    `
query Workspace {
  viewer { id name email type }
  workspace { id name tier }
  categories(first: 100) {
    nodes {
      id
      name
      slug
      color
      description
      ticketCount
      parent { id }
    }
  }
  agents: users(
    first: 100
    filter: { type: [AGENT, ADMIN] }
  ) {
    nodes { id name email type }
  }
}`,
  ),
  example(
    'Tickets',
    'Create a ticket',
    'For a requester who is found by e-mail, or made',
    ({ category }) => ({
      input: {
        subject: 'Cannot log in to my account',
        content: 'Since this morning the page says **wrong password**.',
        requesterEmail: 'john.doe@customer.example',
        requesterName: 'John Doe',
        priority: 'HIGH',
        categoryId: category,
        tags: ['login'],
        metadata: { browser: 'Firefox' },
      },
    }),
    `
mutation TicketCreate($input: TicketCreateInput!) {
  ticketCreate(input: $input) {
    ticket {
      id
      databaseId
      subject
      status
      priority
      requester { id email }
      category { id name }
      assignedTo { id name }
      tags
      metadata
      createdAt
    }
    userErrors { code message field }
  }
}`,
  ),
  example(
    'Tickets',
    'Update a ticket',
    'Only what is named changes; null clears',
    ({ ticket = 'tkt_1', viewer = 'usr_1' }) => ({
      id: ticket,
      input: { status: 'PENDING', priority: 'URGENT', assignedTo: viewer },
    }),
    `
mutation TicketUpdate($id: ID!, $input: TicketUpdateInput!) {
  ticketUpdate(id: $id, input: $input) {
    ticket {
      id
      version
      status
      priority
      assignedTo { id name }
      updatedAt
    }
    userErrors { code message field }
  }
}`,
  ),
  example(
    'Tickets',
    'Watch a ticket',
    'Adds you to its watchers',
    ({ ticket = 'tkt_1', viewer = 'usr_1' }) => ({ id: ticket, userId: viewer }),
    `
mutation TicketWatch($id: ID!, $userId: ID!) {
  ticketWatch(id: $id, userId: $userId) {
    ticket { id watchers { id name } }
    userErrors { code message field }
  }
}`,
  ),
  example(
    'Tickets',
    'Delete a ticket',
    'For good, with its replies',
    ({ ticket = 'tkt_1' }) => ({ id: ticket }),
    `
mutation TicketDelete($id: ID!) {
  ticketDelete(id: $id) {
    deletedId
    userErrors { code message field }
  }
}`,
  ),
  example(
    'Replies',
    'Reply',
    'To the requester, and resolve the ticket with it',
    ({ ticket = 'tkt_1' }) => ({
      ticketId: ticket,
      input: { content: 'Thank you for your patience, this is **fixed** now.', updateStatus: 'RESOLVED' },
    }),
    `
mutation ReplyCreate($ticketId: ID!, $input: ReplyCreateInput!) {
  replyCreate(ticketId: $ticketId, input: $input) {
    reply {
      id
      content
      contentHtml
      isInternal
      author { id name }
      ticket { id status updatedAt replyCount }
    }
    userErrors { code message field }
  }
}`,
  ),
  example(
    'Replies',
    'Internal note',
    'Seen by agents and admins only',
    ({ ticket = 'tkt_1' }) => ({
      ticketId: ticket,
      input: { content: 'Called the customer back.', isInternal: true },
    }),
    `
mutation InternalNote($ticketId: ID!, $input: ReplyCreateInput!) {
  replyCreate(ticketId: $ticketId, input: $input) {
    reply {
      id
      content
      isInternal
      author { id name }
      ticket { id replyCount }
    }
    userErrors { code message field }
  }
}`,
  ),
  example(
    'People and categories',
    'Create a user',
    'A customer, placed in an organization',
    ({ organization }) => ({
      input: { name: 'Grace Hopper', email: 'grace.hopper@customer.example', organizationId: organization },
    }),
    `
mutation UserCreate($input: UserCreateInput!) {
  userCreate(input: $input) {
    user {
      id
      databaseId
      name
      email
      type
      organization { id name }
    }
    userErrors { code message field }
  }
}`,
  ),
  example(
    'People and categories',
    'Create an organization',
    'Its domain places new requesters in it',
    () => ({ input: { name: 'Customer Incorporated', domain: 'customer.example' } }),
    `
mutation OrganizationCreate($input: OrganizationCreateInput!) {
  organizationCreate(input: $input) {
    organization { id databaseId name domain }
    userErrors { code message field }
  }
}`,
  ),
  example(
    'People and categories',
    'Create a category',
    'The slug is made from the name',
    () => ({ input: { name: 'Account issues', color: '#0f766e', description: 'Sign-in, passwords, profiles' } }),
    `
mutation CategoryCreate($input: CategoryCreateInput!) {
  categoryCreate(input: $input) {
    category { id databaseId name slug color parent { id } }
    userErrors { code message field }
  }
}`,
  ),
];
