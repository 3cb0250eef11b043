/*
 * settings.c
 *		Defines the settings of the worker layer, in alphabetical order, and writes
 *		them down for the gate.
 *
 * All are read at reload, so they are defined on a server without preload too: there
 * a postgresql.conf that names them must load without complaint.  Limits are those
 * of the gate, which knows no others.
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

#include "server/settings.h"

#define HOUR_MS (60 * 60 * 1000)

/* What a line of the gate's settings may carry. */
#define CONNINFO_BYTES 4096
#define ADDRESSES_BYTES 1024

char *cg_databases = NULL;
bool  cg_gate = true;
int   cg_webhook_timeout = 2000;
int   cg_gate_drain_timeout = 3000;

static bool  gate_access_log = true;
static int   gate_answer_bytes = 64 * 1024 * 1024;
static int   gate_body_bytes = 1024 * 1024;
static int   gate_body_timeout = 30000;
static int   gate_business_executors = 0;
static char *gate_conninfo = NULL;
static int   gate_connections = 10000;
static int   gate_executors = 4;
static int   gate_header_bytes = 16384;
static int   gate_header_timeout = 10000;
static int   gate_idle_timeout = 75000;
static char *gate_listen_addresses = NULL;
static int   gate_port = 8787;
static int   gate_queue = 256;
static int   gate_read_timeout = 10000;
static int   gate_request_timeout = 30000;
static int   gate_write_timeout = 30000;

/* The settings that the gate takes as they are. */
static const char *const forwarded[] = {
	"cors_origins",
	"gate_access_log",
	"gate_answer_bytes",
	"gate_body_bytes",
	"gate_body_timeout",
	"gate_business_executors",
	"gate_connections",
	"gate_drain_timeout",
	"gate_executors",
	"gate_header_bytes",
	"gate_header_timeout",
	"gate_idle_timeout",
	"gate_listen_addresses",
	"gate_port",
	"gate_queue",
	"gate_read_timeout",
	"gate_request_timeout",
	"gate_write_timeout",
};

static bool  check_conninfo(char **newval, void **extra, GucSource source);
static bool  check_databases(char **newval, void **extra, GucSource source);
static bool  check_listen_addresses(char **newval, void **extra, GucSource source);
static bool  is_line(const char *value, size_t size);
static char *first_database(void);
static char *socket_directory(void);
static void  append_quoted(StringInfo conninfo, const char *keyword, const char *value);

void
cg_worker_settings_define(void)
{
	DefineCustomStringVariable(
		"cloudgreet.databases", "Sets the databases that are served.",
		"The HTTP gate connects to the first one; empty means none.", &cg_databases, "",
		PGC_SIGHUP, GUC_LIST_INPUT, check_databases, NULL, NULL);

	DefineCustomBoolVariable("cloudgreet.gate", "Starts the HTTP gate.",
							 "It runs once a database is named for it.", &cg_gate, true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);

	DefineCustomBoolVariable("cloudgreet.gate_access_log",
							 "Writes a line for each HTTP request into the log.", NULL,
							 &gate_access_log, true, PGC_SIGHUP, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_answer_bytes",
							"Sets how many bytes of answers may wait for their clients.",
							"Over it the slowest client's connection is closed.",
							&gate_answer_bytes, 64 * 1024 * 1024, 0, 1024 * 1024 * 1024,
							PGC_SIGHUP, GUC_UNIT_BYTE, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_body_bytes",
							"Sets the largest body of a request.", NULL, &gate_body_bytes,
							1024 * 1024, 0, 1024 * 1024 * 1024, PGC_SIGHUP, GUC_UNIT_BYTE,
							NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_body_timeout",
							"Sets the time in which a request's body must arrive.", NULL,
							&gate_body_timeout, 30000, 1, HOUR_MS, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_business_executors",
							"Sets how many requests of one business run at a time.",
							"0 means half of cloudgreet.gate_executors.",
							&gate_business_executors, 0, 0, 1000, PGC_SIGHUP, 0, NULL,
							NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_connections",
							"Sets the number of HTTP connections that are accepted.",
							NULL, &gate_connections, 10000, 1, 1000000, PGC_SIGHUP, 0,
							NULL, NULL, NULL);

	DefineCustomStringVariable(
		"cloudgreet.gate_conninfo", "Sets how the HTTP gate connects to the database.",
		"Empty means the server's own socket, the first of cloudgreet.databases and the "
		"role cloudgreet_gate.",
		&gate_conninfo, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_conninfo, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_drain_timeout",
							"Sets the time that requests may take once the gate ends.",
							NULL, &cg_gate_drain_timeout, 3000, 0, HOUR_MS, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_executors",
							"Sets the number of database connections of the HTTP gate.",
							NULL, &gate_executors, 4, 1, 1000, PGC_SIGHUP, 0, NULL, NULL,
							NULL);

	DefineCustomIntVariable("cloudgreet.gate_header_bytes",
							"Sets the largest head of a request.", NULL,
							&gate_header_bytes, 16384, 256, 1024 * 1024, PGC_SIGHUP,
							GUC_UNIT_BYTE, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_header_timeout",
							"Sets the time in which a request's head must arrive.", NULL,
							&gate_header_timeout, 10000, 1, HOUR_MS, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_idle_timeout",
							"Sets the time after which an idle connection is closed.",
							NULL, &gate_idle_timeout, 75000, 1, 24 * HOUR_MS, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomStringVariable("cloudgreet.gate_listen_addresses",
							   "Sets the addresses on which the HTTP gate listens.", NULL,
							   &gate_listen_addresses, "127.0.0.1", PGC_SIGHUP,
							   GUC_LIST_INPUT, check_listen_addresses, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_port",
							"Sets the port on which the HTTP gate listens.",
							"0 means any that is free.", &gate_port, 8787, 0, 65535,
							PGC_SIGHUP, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_queue",
							"Sets the number of requests that wait for the database.",
							NULL, &gate_queue, 256, 0, 100000, PGC_SIGHUP, 0, NULL, NULL,
							NULL);

	DefineCustomIntVariable("cloudgreet.gate_read_timeout",
							"Sets the time that a GET may take in the database.", NULL,
							&gate_read_timeout, 10000, 1, HOUR_MS, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_request_timeout",
							"Sets the time that a request may take in the database.",
							NULL, &gate_request_timeout, 30000, 1, HOUR_MS, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.gate_write_timeout",
							"Sets the time in which a client must take its answer.", NULL,
							&gate_write_timeout, 30000, 1, HOUR_MS, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomIntVariable("cloudgreet.webhook_timeout",
							"Sets the time in which a webhook must be processed.",
							"Over it is a failure; after five it is held.",
							&cg_webhook_timeout, 2000, 10, HOUR_MS, PGC_SIGHUP,
							GUC_UNIT_MS, NULL, NULL, NULL);
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
	return is_line(*newval, ADDRESSES_BYTES);
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
