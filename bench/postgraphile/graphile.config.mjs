// PostGraphile 5 with its own defaults; what differs says why.
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { addPgTableCondition } from "postgraphile/utils";

// `condition` compares with one value; the operation `Organization` asks for tickets of one of two statuses.
const TicketStatusPlugin = addPgTableCondition(
  { serviceName: "main", schemaName: "public", tableName: "ticket" },
  "statusIn",
  (build) => ({ type: new build.graphql.GraphQLList(build.graphql.GraphQLString) }),
  (value, { sqlTableAlias, sql, sqlValueWithCodec, build }) =>
    sql`${sqlTableAlias}.status = any(${sqlValueWithCodec(value, build.dataplanPg.TYPES.text.listOf ?? build.dataplanPg.listOfCodec(build.dataplanPg.TYPES.text))})`,
);

export default {
  extends: [PostGraphileAmberPreset],
  plugins: [TicketStatusPlugin],
  // lists may be ordered by any column: our indexes begin with the workspace, and only first columns are offered
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [makePgService({ connectionString: process.env.BENCH_DATABASE_URL, schemas: ["public"] })],
  grafserv: {
    host: "127.0.0.1",
    port: Number(process.env.BENCH_PORT),
    graphqlPath: "/graphql",
    graphiql: false,
    websockets: false,
  },
  grafast: { explain: false },
};
