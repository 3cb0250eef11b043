/*
 * rest_plan.c
 *		Turns a table request into one SQL statement with parameters.
 *
 * Every name in the statement comes from the catalog, quoted; every value is a
 * parameter of the column's type, read by the type's own input function.  Which
 * rows and columns may be touched is left to grants and row security.
 *
 * Memory:		the caller's context.
 * Errors:		21000 for a change of all rows, 42P01 for a table that is not served, 42703 for an unknown column,
 *				22P02 and the like for a value that is not of the column's type, 22003 for a
 *				number that prints to far more than was sent, 54000 for too many rows.
 * Called by:	rest_execute.c
 * Shown by:	test/sql/rest_protocol.sql, test/sql/rest_limits.sql
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/canonical.h"
#include "core/json_size.h"
#include "inbound/rest.h"
#include "inbound/settings.h"

#define MAX_PARAMS 1000

/* A statement being written. */
typedef struct Writer
{
	Relation       table;
	CgRestPlan    *plan;
	CgHome         home;
	StringInfoData sql;
} Writer;

static const char *const operator_sql[] = {
	[CG_REST_EQ] = "=",    [CG_REST_NEQ] = "<>",    [CG_REST_LT] = "<",
	[CG_REST_LTE] = "<=",  [CG_REST_GT] = ">",      [CG_REST_GTE] = ">=",
	[CG_REST_LIKE] = "~~", [CG_REST_ILIKE] = "~~*",
};

/* Opens a table or view of schema cloudgreet; a partition is not served. */
static Relation
open_table(const char *name)
{
	Oid      schema = get_namespace_oid("cloudgreet", false);
	Oid      oid = get_relname_relid(name, schema);
	Relation table = OidIsValid(oid) ? try_relation_open(oid, AccessShareLock) : NULL;

	if (table == NULL || table->rd_rel->relispartition ||
		(table->rd_rel->relkind != RELKIND_RELATION &&
		 table->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
		 table->rd_rel->relkind != RELKIND_VIEW))
	{
		if (table != NULL)
			relation_close(table, AccessShareLock);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" does not exist in schema cloudgreet", name)));
	}
	return table;
}

static Form_pg_attribute
find_column(Relation table, const char *name)
{
	TupleDesc descriptor = RelationGetDescr(table);

	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(descriptor, i);

		if (!column->attisdropped && strcmp(NameStr(column->attname), name) == 0)
			return column;
	}
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" of table \"%s\" does not exist", name,
						   RelationGetRelationName(table))));
}

static void
add_param(CgRestPlan *plan, Oid type, Datum value, bool isnull)
{
	if (plan->nparams >= MAX_PARAMS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the request has more than %d values", MAX_PARAMS)));
	plan->types[plan->nparams] = type;
	plan->values[plan->nparams] = value;
	plan->nulls[plan->nparams] = isnull ? 'n' : ' ';
	plan->nparams++;
}

/* What prints to more than was sent is bounded here as it is in bodies. */
static Datum
read_value(Oid type, int32 typmod, const char *value)
{
	Oid   input;
	Oid   parameter;
	Datum result;

	getTypeInputInfo(type, &input, &parameter);
	result = OidInputFunctionCall(input, unconstify(char *, value), parameter, typmod);
	type = getBaseType(type);
	if (type == JSONBOID)
		cg_json_admit(DatumGetJsonbP(result), strlen(value));
	else if (type == NUMERICOID &&
			 cg_number_size(DatumGetNumeric(result)) > CG_NUMBER_CHARS)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("a number has more than %d digits", CG_NUMBER_CHARS)));
	return result;
}

/* An array of the column's type, for "in". */
static Datum
read_values(Oid type, List *values)
{
	ArrayBuildState *state = initArrayResult(type, CurrentMemoryContext, false);
	ListCell        *cell;

	foreach (cell, values)
		state = accumArrayResult(state, read_value(type, -1, lfirst(cell)), false, type,
								 CurrentMemoryContext);
	return makeArrayResult(state, CurrentMemoryContext);
}

static void
write_is(Writer *writer, const CgRestFilter *filter)
{
	static const char *const allowed[] = {"null", "true", "false", "unknown"};

	for (int i = 0; i < lengthof(allowed); i++)
	{
		if (pg_strcasecmp(filter->value, allowed[i]) == 0)
		{
			appendStringInfo(&writer->sql, " IS %s", allowed[i]);
			return;
		}
	}
	ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
					errmsg("\"is\" takes null, true, false or unknown")));
}

static void write_filter(Writer *writer, const CgRestFilter *filter);

static void
write_group(Writer *writer, const CgRestFilter *filter)
{
	const char *word = filter->negated ? "NOT (" : "(";
	ListCell   *cell;

	check_stack_depth();
	foreach (cell, filter->members)
	{
		appendStringInfoString(&writer->sql, word);
		write_filter(writer, lfirst(cell));
		word = filter->op == CG_REST_AND ? " AND " : " OR ";
	}
	appendStringInfoChar(&writer->sql, ')');
}

static void
write_comparison(Writer *writer, const CgRestFilter *filter)
{
	Form_pg_attribute column = find_column(writer->table, filter->column);
	CgRestPlan       *plan = writer->plan;
	char             *value = filter->value;
	Oid               array;

	appendStringInfo(&writer->sql, "%s(%s", filter->negated ? "NOT " : "",
					 quote_identifier(filter->column));
	switch (filter->op)
	{
		case CG_REST_IS:
			write_is(writer, filter);
			break;
		case CG_REST_IN:
			array = get_array_type(column->atttypid);
			if (!OidIsValid(array))
				ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
								errmsg("column \"%s\" cannot be compared with a list",
									   filter->column)));
			if (column->atttypid == TEXTOID)
			{
				ListCell *cell;

				foreach (cell, filter->values)
					lfirst(cell) =
						cg_canonical_operand(filter->column, lfirst(cell), &writer->home);
			}
			add_param(plan, array, read_values(column->atttypid, filter->values), false);
			appendStringInfo(&writer->sql, " = ANY ($%d)", plan->nparams);
			break;
		case CG_REST_LIKE:
		case CG_REST_ILIKE:
		{
			/* PostgREST's "*" for "%", which needs no escape in a URL. */
			char *pattern = pstrdup(filter->value);

			for (char *p = pattern; *p != '\0'; p++)
			{
				if (*p == '*')
					*p = '%';
			}
			add_param(plan, TEXTOID, CStringGetTextDatum(pattern), false);
			appendStringInfo(&writer->sql,
							 "::pg_catalog.text OPERATOR(pg_catalog.%s) $%d",
							 operator_sql[filter->op], plan->nparams);
			break;
		}
		case CG_REST_EQ:
		case CG_REST_NEQ:
			if (column->atttypid == TEXTOID)
				value = cg_canonical_operand(filter->column, value, &writer->home);
			/* FALLTHROUGH */
		default:
			add_param(plan, column->atttypid,
					  read_value(column->atttypid, column->atttypmod, value), false);
			appendStringInfo(&writer->sql, " %s $%d", operator_sql[filter->op],
							 plan->nparams);
	}
	appendStringInfoChar(&writer->sql, ')');
}

static void
write_filter(Writer *writer, const CgRestFilter *filter)
{
	if (filter->op == CG_REST_AND || filter->op == CG_REST_OR)
		write_group(writer, filter);
	else
		write_comparison(writer, filter);
}

/*
 * Counts what a change is about to touch, up to one row too many.  The subquery looks at
 * nothing of the outer one, so it runs once, before the first row is changed, and sees
 * the same rows.
 */
static void
write_guard(Writer *writer, const CgRestRequest *request, const char *where)
{
	appendStringInfo(
		&writer->sql,
		" AND (SELECT cloudgreet.check_write_rows(pg_catalog.count(*)) FROM (SELECT FROM "
		"cloudgreet.%s%s LIMIT %d) AS touched)",
		quote_identifier(request->table), where, cg_rest_max_write_rows + 1);
}

static void
write_where(Writer *writer, const CgRestRequest *request)
{
	const char *word = " WHERE ";
	ListCell   *cell;

	foreach (cell, request->filters)
	{
		appendStringInfoString(&writer->sql, word);
		write_filter(writer, lfirst(cell));
		word = " AND ";
	}
	if (request->after_id != NULL)
	{
		add_param(writer->plan, TIMESTAMPTZOID, request->after_at, false);
		add_param(writer->plan, UUIDOID, UUIDPGetDatum(request->after_id), false);
		appendStringInfo(&writer->sql, "%s(created_at, id) < ($%d, $%d)", word,
						 writer->plan->nparams - 1, writer->plan->nparams);
	}
}

static void
write_guarded_where(Writer *writer, const CgRestRequest *request)
{
	int start = writer->sql.len;

	write_where(writer, request);
	write_guard(writer, request, pstrdup(writer->sql.data + start));
}

/* The output columns, also of RETURNING; "*" is every column. */
static void
write_select(Writer *writer, const CgRestRequest *request)
{
	const char *comma = " ";
	ListCell   *cell;

	if (request->select == NIL)
	{
		appendStringInfoString(&writer->sql, " *");
		return;
	}
	foreach (cell, request->select)
	{
		CgRestColumn *column = lfirst(cell);

		appendStringInfoString(&writer->sql, comma);
		comma = ", ";
		if (column->name == NULL)
		{
			appendStringInfoChar(&writer->sql, '*');
			continue;
		}
		(void) find_column(writer->table, column->name);
		appendStringInfoString(&writer->sql, quote_identifier(column->name));
		if (column->alias != NULL)
			appendStringInfo(&writer->sql, " AS %s", quote_identifier(column->alias));
	}
}

static void
write_order(Writer *writer, const CgRestRequest *request)
{
	const char *word = " ORDER BY ";
	ListCell   *cell;

	foreach (cell, request->order)
	{
		CgRestOrder *order = lfirst(cell);

		(void) find_column(writer->table, order->column);
		appendStringInfo(&writer->sql, "%s%s%s%s", word, quote_identifier(order->column),
						 order->descending ? " DESC" : "",
						 order->nulls < 0   ? " NULLS FIRST"
						 : order->nulls > 0 ? " NULLS LAST"
											: "");
		word = ", ";
	}
	/* Literals: the planner must know how few rows are wanted, and they are numbers. */
	if (request->limit >= 0)
		appendStringInfo(&writer->sql, " LIMIT " INT64_FORMAT, request->limit);
	if (request->offset > 0)
		appendStringInfo(&writer->sql, " OFFSET " INT64_FORMAT, request->offset);
}

/* Names the column that keeps the role from writing a table it may write. */
static void
require_writable(Relation table, Form_pg_attribute column, AclMode mode)
{
	Oid oid = RelationGetRelid(table);

	if (pg_class_aclcheck(oid, GetUserId(), mode) != ACLCHECK_OK &&
		pg_attribute_aclcheck(oid, column->attnum, GetUserId(), mode) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(oid, GetUserId(), mode, ACLMASK_ANY) == ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("column \"%s\" of table \"%s\" cannot be written",
						NameStr(column->attname), RelationGetRelationName(table))));
}

/* The columns that a statement writes, as a list. */
static void
write_target(Writer *writer, List *names, AclMode mode)
{
	const char *comma = "(";
	ListCell   *cell;

	foreach (cell, names)
	{
		require_writable(writer->table, find_column(writer->table, lfirst(cell)), mode);
		appendStringInfo(&writer->sql, "%s%s", comma, quote_identifier(lfirst(cell)));
		comma = ", ";
	}
	appendStringInfoChar(&writer->sql, ')');
}

/* The same columns of the body. */
static void
write_body_columns(Writer *writer, List *names)
{
	const char *comma = "";
	ListCell   *cell;

	foreach (cell, names)
	{
		appendStringInfo(&writer->sql, "%sbody_row.%s", comma,
						 quote_identifier(lfirst(cell)));
		comma = ", ";
	}
}

/* The body as rows of the table's type. */
static void
write_body_rows(Writer *writer, const CgRestRequest *request)
{
	add_param(writer->plan, JSONBOID, JsonbPGetDatum(request->body), false);
	appendStringInfo(&writer->sql,
					 " FROM pg_catalog.%s(NULL::cloudgreet.%s, $%d) AS body_row",
					 JB_ROOT_IS_ARRAY(request->body) ? "jsonb_populate_recordset"
													 : "jsonb_populate_record",
					 quote_identifier(request->table), writer->plan->nparams);
}

static void
write_insert(Writer *writer, const CgRestRequest *request)
{
	List *names = request->columns;

	if (JB_ROOT_IS_ARRAY(request->body))
		cg_rest_check_write_rows(JB_ROOT_COUNT(request->body));
	/* No rows: nothing is inserted, and RETURNING has its columns. */
	if (JB_ROOT_IS_ARRAY(request->body) && JB_ROOT_COUNT(request->body) == 0)
	{
		appendStringInfo(&writer->sql, "INSERT INTO cloudgreet.%s SELECT WHERE false",
						 quote_identifier(request->table));
		return;
	}
	if (JB_ROOT_IS_ARRAY(request->body) && names == NIL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the objects of the body must have members")));
	appendStringInfo(&writer->sql, "INSERT INTO cloudgreet.%s",
					 quote_identifier(request->table));
	if (names == NIL)
		appendStringInfoString(&writer->sql, " DEFAULT VALUES");
	else
	{
		write_target(writer, names, ACL_INSERT);
		appendStringInfoString(&writer->sql, " SELECT ");
		write_body_columns(writer, names);
		write_body_rows(writer, request);
	}
}

/* A client that lost its filter must not change the whole table. */
static void
require_filter(const CgRestRequest *request)
{
	if (request->filters == NIL)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
						errmsg("a change needs a filter: without one it would be made to "
							   "every row")));
}

static void
write_update(Writer *writer, const CgRestRequest *request)
{
	List *names = request->columns;

	if (JB_ROOT_IS_ARRAY(request->body) || names == NIL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the body of an update must be an object with members")));
	/* A subquery keeps the body's columns out of WHERE and RETURNING. */
	appendStringInfo(&writer->sql, "UPDATE cloudgreet.%s SET ",
					 quote_identifier(request->table));
	write_target(writer, names, ACL_UPDATE);
	appendStringInfoString(&writer->sql, " = (SELECT ");
	write_body_columns(writer, names);
	write_body_rows(writer, request);
	appendStringInfoChar(&writer->sql, ')');
}

void
cg_rest_plan(const CgRestRequest *request, const pg_uuid_t *business, CgRestPlan *plan)
{
	Writer writer = {
		.table = open_table(request->table), .plan = plan, .home = {business}};

	initStringInfo(&writer.sql);
	plan->nparams = 0;
	plan->types = palloc(sizeof(Oid) * MAX_PARAMS);
	plan->values = palloc(sizeof(Datum) * MAX_PARAMS);
	plan->nulls = palloc(MAX_PARAMS + 1);

	switch (request->verb)
	{
		case CG_REST_READ:
			appendStringInfoString(&writer.sql, "SELECT");
			write_select(&writer, request);
			appendStringInfo(&writer.sql, " FROM cloudgreet.%s",
							 quote_identifier(request->table));
			write_where(&writer, request);
			write_order(&writer, request);
			break;
		case CG_REST_COUNT:
			appendStringInfo(&writer.sql, "SELECT pg_catalog.count(*) FROM cloudgreet.%s",
							 quote_identifier(request->table));
			write_where(&writer, request);
			break;
		case CG_REST_INSERT:
			write_insert(&writer, request);
			break;
		case CG_REST_UPDATE:
			require_filter(request);
			write_update(&writer, request);
			write_guarded_where(&writer, request);
			break;
		case CG_REST_DELETE:
			require_filter(request);
			appendStringInfo(&writer.sql, "DELETE FROM cloudgreet.%s",
							 quote_identifier(request->table));
			write_guarded_where(&writer, request);
			break;
	}
	if (request->verb >= CG_REST_INSERT && request->returns)
	{
		appendStringInfoString(&writer.sql, " RETURNING");
		write_select(&writer, request);
	}
	relation_close(writer.table, NoLock);
	plan->sql = writer.sql.data;
}
