/*
 * replace.c
 *		Brings functions and views to what the files of sql/api say.
 *
 * The files replace what they define in place.  What they do not touch any more has gone,
 * and is dropped after them.  Where something cannot be replaced in place (a result or an
 * argument has another name or type), it must be dropped first; what that is is not guessed
 * from the text: the files are tried in a subtransaction on a schema without functions and
 * views, the result is noted, and the subtransaction is rolled back.  Whatever exists now and
 * did not come out the same there goes; then the files run for good.
 *
 * "Ours" is every function and view owned by cloudgreet_owner in the two schemas;
 * objects that users added belong to other roles and are never touched.
 *
 * Locks:		those of the statements; the caller holds the migration lock.  In place they
 *				are none that readers of tables wait for; triggers are replaced under one that
 *				writers wait for.  Dropping functions takes the tables' triggers and policies
 *				along, and then readers wait too.
 *
 * Called by migrate.c.  Shown by test/t/060_check_update.pl, and for locks by test/t/062_migrate_locks.pl.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "core/spi.h"
#include "migrate/replace.h"
#include "migrate/script.h"

/* A function or view: how to drop it, and what callers see of it. */
typedef struct Replaceable
{
	char *identity;  /* "FUNCTION cloudgreet.f(integer)" */
	char *signature; /* argument names and defaults, result; a view's columns */
	char *version;   /* where rows are that each definition of it, but no grant, moves */
} Replaceable;

static const char *const list_replaceables =
	"SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE ' WHEN 'a' THEN 'AGGREGATE ' "
	"              ELSE 'FUNCTION ' END || p.oid::pg_catalog.regprocedure::text,"
	"       pg_catalog.pg_get_function_arguments(p.oid) || ' -> ' ||"
	"       coalesce(pg_catalog.pg_get_function_result(p.oid), ''),"
	"       (SELECT pg_catalog.string_agg(d.ctid::text, ' ') FROM pg_catalog.pg_depend d"
	"         WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass"
	"           AND d.objid = p.oid)"
	"  FROM pg_catalog.pg_proc p"
	" WHERE p.pronamespace IN (SELECT n.oid FROM pg_catalog.pg_namespace n"
	"                WHERE n.nspname IN ('cloudgreet', 'cloudgreet_private'))"
	"   AND p.proowner = 'cloudgreet_owner'::pg_catalog.regrole "
	"UNION ALL "
	"SELECT 'VIEW ' || c.oid::pg_catalog.regclass::text,"
	"       (SELECT pg_catalog.string_agg(a.attname || ' ' ||"
	"                 pg_catalog.format_type(a.atttypid, a.atttypmod), ', '"
	"                 ORDER BY a.attnum)"
	"          FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),"
	"       (SELECT r.ctid::text FROM pg_catalog.pg_rewrite r"
	"         WHERE r.ev_class = c.oid AND r.rulename = '_RETURN')"
	"  FROM pg_catalog.pg_class c"
	" WHERE c.relnamespace IN (SELECT n.oid FROM pg_catalog.pg_namespace n"
	"                WHERE n.nspname IN ('cloudgreet', 'cloudgreet_private'))"
	"   AND c.relkind = 'v' AND c.relowner = 'cloudgreet_owner'::pg_catalog.regrole";

static void
add_script_context(void *arg)
{
	errcontext("file \"%s\"", ((const CgScript *) arg)->name);
}

void
cg_script_run(const CgScript *script)
{
	ErrorContextCallback callback;
	CgIdentity           saved;

	callback.callback = add_script_context;
	callback.arg = (void *) script;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	cg_run_as_owner(&saved);
	cg_spi_exec(script->text);
	cg_spi_exec("SET CONSTRAINTS ALL IMMEDIATE");
	cg_identity_restore(&saved);
	error_context_stack = callback.previous;
}

static List *
read_replaceables(MemoryContext context)
{
	List  *result = NIL;
	uint64 rows = cg_spi_query(list_replaceables, 0, NULL, NULL, NULL, false, 0);

	for (uint64 i = 0; i < rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		Replaceable  *object = palloc(sizeof(Replaceable));
		bool          isnull;

		object->identity = TextDatumGetCString(cg_spi_value(i, 1, &isnull));
		object->signature = TextDatumGetCString(cg_spi_value(i, 2, &isnull));
		object->version = TextDatumGetCString(cg_spi_value(i, 3, &isnull));
		result = lappend(result, object);
		MemoryContextSwitchTo(old);
	}
	return result;
}

static void
drop_object(const Replaceable *object, const char *behavior)
{
	cg_spi_exec(psprintf("DROP %s %s", object->identity, behavior));
}

/* What the scripts make when nothing of an earlier version is in their way. */
static List *
try_scripts(List *scripts, List *existing)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	List         *made;
	ListCell     *cell;

	BeginInternalSubTransaction("cloudgreet_api");
	MemoryContextSwitchTo(context);
	foreach (cell, existing)
	{
		Replaceable *object = lfirst(cell);

		/* A view may have gone with the function that it used. */
		if (strncmp(object->identity, "VIEW ", 5) == 0)
			cg_spi_exec(psprintf("DROP VIEW IF EXISTS %s CASCADE", object->identity + 5));
		else
		{
			const char *name = strchr(object->identity, ' ') + 1;

			cg_spi_exec(psprintf("DROP ROUTINE IF EXISTS %s CASCADE", name));
		}
	}
	foreach (cell, scripts)
		cg_script_run(lfirst(cell));
	made = read_replaceables(context);
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return made;
}

static bool
contains_same(List *objects, const Replaceable *wanted)
{
	ListCell *cell;

	foreach (cell, objects)
	{
		Replaceable *object = lfirst(cell);

		if (strcmp(object->identity, wanted->identity) == 0)
			return strcmp(object->signature, wanted->signature) == 0;
	}
	return false;
}

/* Whether an error says that something cannot be replaced as it is. */
static bool
is_in_the_way(int sqlstate)
{
	return sqlstate ==
			   ERRCODE_INVALID_FUNCTION_DEFINITION ||      /* its result or arguments */
		   sqlstate == ERRCODE_INVALID_TABLE_DEFINITION || /* a view's columns */
		   sqlstate == ERRCODE_AMBIGUOUS_FUNCTION ||       /* beside one that is to go */
		   sqlstate == ERRCODE_WRONG_OBJECT_TYPE ||
		   sqlstate == ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST;
}

static void
drop_untouched(List *existing)
{
	List     *now = read_replaceables(CurrentMemoryContext);
	ListCell *cell;

	foreach (cell, existing)
	{
		Replaceable *object = lfirst(cell);
		ListCell    *other;

		foreach (other, now)
		{
			Replaceable *found = lfirst(other);

			if (strcmp(found->identity, object->identity) == 0 &&
				strcmp(found->version, object->version) == 0)
				drop_object(object, "RESTRICT");
		}
	}
}

/* Runs the files as things are; false, and nothing is done, when something is in the way. */
static bool
replace_in_place(List *scripts, List *existing)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool is_done = true;

	BeginInternalSubTransaction("cloudgreet_api");
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		ListCell *cell;

		foreach (cell, scripts)
			cg_script_run(lfirst(cell));
		drop_untouched(existing);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		if (!is_in_the_way(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		is_done = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return is_done;
}

void
cg_scripts_replace(List *scripts)
{
	List     *existing = read_replaceables(CurrentMemoryContext);
	ListCell *cell;

	if (existing != NIL)
	{
		List *made;

		if (replace_in_place(scripts, existing))
			return;
		made = try_scripts(scripts, existing);
		foreach (cell, existing)
		{
			Replaceable *object = lfirst(cell);

			if (!contains_same(made, object))
				drop_object(object, "RESTRICT");
		}
	}
	foreach (cell, scripts)
		cg_script_run(lfirst(cell));
}
