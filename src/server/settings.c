/*
 * settings.c
 *		Defines the settings of the worker layer, in alphabetical order, and writes
 *		them down for the gate.
 *
 * All are read at reload, so they are defined on a server without preload too: there
 * a postgresql.conf that names them must load without complaint.  Those of the gate come
 * from the list that it reads them by, gate/setting_list.h.
 *
 * Called by:	cloudgreet.c, when the library is loaded; gate.c for what the gate is
 *				told
 * Shown by:	test/t/110_supervisor.pl
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "gate/setting_list.h"
#include "server/settings.h"

/* What a line of the gate's settings may carry. */
#define CONNINFO_BYTES 4096

char *cg_databases = NULL;
bool  cg_gate = true;
int   cg_webhook_timeout = 2000;

static char *gate_conninfo = NULL;

/* What the list of the gate's settings becomes: variables, definitions, names. */
#define SWITCH_VARIABLE(name, initial, summary, detail) static bool gate_##name = initial;
#define NUMBER_VARIABLE(name, unit, smallest, largest, initial, summary, detail)         \
	static int gate_##name = initial;
#define TEXT_VARIABLE(name, size, initial, summary, detail)                              \
	static char *gate_##name = NULL;
#define DEFINE_SWITCH(name, initial, summary, detail)                                    \
	DefineCustomBoolVariable("cloudgreet.gate_" #name, summary, detail, &gate_##name,    \
							 gate_##name, PGC_SIGHUP, 0, NULL, NULL, NULL);
#define DEFINE_NUMBER(name, unit, smallest, largest, initial, summary, detail)           \
	DefineCustomIntVariable("cloudgreet.gate_" #name, summary, detail, &gate_##name,     \
							gate_##name, smallest, largest, PGC_SIGHUP, unit_flag(unit), \
							NULL, NULL, NULL);
#define DEFINE_TEXT(name, size, initial, summary, detail)                                \
	DefineCustomStringVariable("cloudgreet.gate_" #name, summary, detail, &gate_##name,  \
							   initial, PGC_SIGHUP, GUC_LIST_INPUT, check_##name, NULL,  \
							   NULL);
#define NAME(name, ...) "gate_" #name,

/* The settings that the gate takes as they are. */
static const char *const forwarded[] = {
	CG_GATE_SETTINGS(NAME, NAME, NAME) "cors_origins"};

CG_GATE_SETTINGS(SWITCH_VARIABLE, NUMBER_VARIABLE, TEXT_VARIABLE)

static bool  check_conninfo(char **newval, void **extra, GucSource source);
static bool  check_databases(char **newval, void **extra, GucSource source);
static bool  check_listen_addresses(char **newval, void **extra, GucSource source);
static bool  is_line(const char *value, size_t size);
static char *first_database(void);
static char *socket_directory(void);
static void  append_quoted(StringInfo conninfo, const char *keyword, const char *value);

static int
unit_flag(CgSettingUnit unit)
{
	return unit == CG_SETTING_BYTES ? GUC_UNIT_BYTE
		   : unit == CG_SETTING_MS  ? GUC_UNIT_MS
									: 0;
}

void
cg_worker_settings_define(void)
{
	DefineCustomStringVariable(
		"cloudgreet.databases", "Sets the databases that are served.",
		"The HTTP gate connects to the first one; empty means none.", &cg_databases, "",
		PGC_SIGHUP, GUC_LIST_INPUT, check_databases, NULL, NULL);

	DefineCustomBoolVariable("cloudgreet.gate", "Starts the HTTP gate.",
							 "It runs once a database is named for it.", &cg_gate,
							 cg_gate, PGC_SIGHUP, 0, NULL, NULL, NULL);

	CG_GATE_SETTINGS(DEFINE_SWITCH, DEFINE_NUMBER, DEFINE_TEXT)

	DefineCustomStringVariable(
		"cloudgreet.gate_conninfo", "Sets how the HTTP gate connects to the database.",
		"Empty means the server's own socket, the first of cloudgreet.databases and the "
		"role cloudgreet_gate.",
		&gate_conninfo, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_conninfo, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.webhook_timeout",
							"Sets the time in which a webhook must be processed.",
							"Over it is a failure; after five it is held.",
							&cg_webhook_timeout, cg_webhook_timeout, 10, CG_SETTING_HOUR,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}

int
cg_gate_drain_timeout(void)
{
	return gate_drain_timeout;
}

char *
cg_worker_conninfo(void)
{
	StringInfoData conninfo;
	char          *database;

	if (gate_conninfo[0] != '\0')
		return pstrdup(gate_conninfo);
	database = first_database();
	if (database == NULL)
		return NULL;
	initStringInfo(&conninfo);
	append_quoted(&conninfo, "host", socket_directory());
	appendStringInfo(&conninfo, " port=%d", PostPortNumber);
	append_quoted(&conninfo, " dbname", database);
	append_quoted(&conninfo, " user", "cloudgreet_gate");
	return conninfo.data;
}

void
cg_worker_append_settings(StringInfo block, const char *conninfo, bool is_spare)
{
	char name[NAMEDATALEN];

	/* GetConfigOption() gives numbers without unit, in ms and bytes; booleans as on, off. */
	for (size_t i = 0; i < lengthof(forwarded); i++)
	{
		int start;

		snprintf(name, sizeof(name), "cloudgreet.%s", forwarded[i]);
		appendStringInfo(block, "%s=", forwarded[i]);
		start = block->len;
		appendStringInfoString(block, GetConfigOption(name, false, false));
		/* A line end in a value would begin another setting. */
		for (int j = start; j < block->len; j++)
		{
			if ((unsigned char) block->data[j] < ' ')
				block->data[j] = ' ';
		}
		appendStringInfoChar(block, '\n');
	}
	appendStringInfo(block, "gate_conninfo=%s\nspare=%d\n\n", conninfo, is_spare);
}

static bool
check_conninfo(char **newval, void **extra, GucSource source)
{
	return is_line(*newval, CONNINFO_BYTES);
}

static bool
check_listen_addresses(char **newval, void **extra, GucSource source)
{
	return is_line(*newval, CG_SETTING_ADDRESSES_BYTES);
}

static bool
check_databases(char **newval, void **extra, GucSource source)
{
	char *copy = pstrdup(*newval);
	List *names;
	bool  ok;

	ok = SplitIdentifierString(copy, ',', &names);
	if (!ok)
		GUC_check_errdetail("List syntax is invalid.");
	list_free(names);
	pfree(copy);
	return ok && is_line(*newval, CONNINFO_BYTES);
}

/* The gate reads one setting a line: a line break would let a value add settings. */
static bool
is_line(const char *value, size_t size)
{
	if (strlen(value) >= size)
	{
		GUC_check_errdetail("The value has %zu bytes or more.", size);
		return false;
	}
	for (const char *c = value; *c != '\0'; c++)
	{
		if ((unsigned char) *c < ' ' || *c == 0x7f)
		{
			GUC_check_errdetail("The value has a control character.");
			return false;
		}
	}
	return true;
}

static char *
first_database(void)
{
	List *names;

	if (!SplitIdentifierString(pstrdup(cg_databases), ',', &names) || names == NIL)
		return NULL;
	return linitial(names);
}

/* The first directory of the server's sockets, or a loopback address when it has none. */
static char *
socket_directory(void)
{
	List *directories;
	char *first;

	if (Unix_socket_directories == NULL ||
		!SplitDirectoriesString(pstrdup(Unix_socket_directories), ',', &directories) ||
		directories == NIL)
		return "127.0.0.1";
	first = linitial(directories);
	/* libpq takes anything else for the name of a host */
	if (first[0] == '/' || first[0] == '@')
		return first;
	return psprintf("%s/%s", DataDir, first);
}

/* Appends keyword='value' as libpq reads it. */
static void
append_quoted(StringInfo conninfo, const char *keyword, const char *value)
{
	appendStringInfo(conninfo, "%s='", keyword);
	for (const char *c = value; *c != '\0'; c++)
	{
		if (*c == '\'' || *c == '\\')
			appendStringInfoChar(conninfo, '\\');
		appendStringInfoChar(conninfo, *c);
	}
	appendStringInfoChar(conninfo, '\'');
}
